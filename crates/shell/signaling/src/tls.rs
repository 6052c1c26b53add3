//! How the server's certificate is checked: a pin of its key, or WebPKI; never neither (PROTOCOL §9.6).

use std::{path::Path, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
    server::ParsedCertificate,
};
use tokio_rustls::TlsConnector;

use crate::{Endpoint, OfflineReason};

/// Reads the value of `#spki=`: base64url without padding of 32 bytes.
#[must_use]
pub fn parse_spki(text: &str) -> Option<[u8; 32]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

/// The connector for an endpoint. Reads files: call it where blocking is allowed.
///
/// # Errors
/// [`OfflineReason::Certificate`] when the file with more roots can't be read, or no root is known at all.
pub fn connector(endpoint: &Endpoint) -> Result<TlsConnector, OfflineReason> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|_| OfflineReason::Certificate)?;
    let mut config = match endpoint.spki {
        Some(spki) => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(PinVerifier { spki, provider }))
            .with_no_client_auth(),
        None => builder.with_root_certificates(roots(endpoint.ca_file.as_deref())?).with_no_client_auth(),
    };
    // A ticket would let the server link our connections.
    config.resumption = rustls::client::Resumption::disabled();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn roots(ca_file: Option<&Path>) -> Result<RootCertStore, OfflineReason> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(file) = ca_file {
        let more: Vec<CertificateDer<'_>> =
            CertificateDer::pem_file_iter(file).and_then(Iterator::collect).map_err(|_| OfflineReason::Certificate)?;
        let (added, _) = roots.add_parsable_certificates(more);
        if added == 0 {
            return Err(OfflineReason::Certificate);
        }
    }
    if roots.is_empty() { Err(OfflineReason::Certificate) } else { Ok(roots) }
}

/// Why a TLS handshake failed.
pub fn reason(error: &std::io::Error) -> OfflineReason {
    let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) else {
        return OfflineReason::Unreachable;
    };
    match error {
        Error::InvalidCertificate(
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. },
        ) => OfflineReason::CertificateTime,
        Error::InvalidCertificate(_) | Error::NoCertificatesPresented => OfflineReason::Certificate,
        _ => OfflineReason::Protocol,
    }
}

/// Accepts exactly the one key, whatever else the certificate says, and still checks that the server has it.
#[derive(Debug)]
struct PinVerifier {
    spki: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for PinVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let parsed = ParsedCertificate::try_from(end_entity)?;
        let hash = ring::digest::digest(&ring::digest::SHA256, parsed.subject_public_key_info().as_ref());
        if hash.as_ref() == self.spki {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_exactly_32_bytes_of_base64url() {
        assert_eq!(parse_spki("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), Some([0; 32]));
        assert_eq!(parse_spki("_____________________________________________w"), None, "33 bytes");
        for wrong in
            ["", "AAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "+/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]
        {
            assert_eq!(parse_spki(wrong), None, "{wrong}");
        }
    }
}
