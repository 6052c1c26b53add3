//! The server's certificate.

use std::{net::IpAddr, sync::Arc};

use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject},
    server::ParsedCertificate,
};
use sha2::{Digest, Sha256};
use tokio_rustls::TlsAcceptor;

use crate::{StartError, Tls};

/// An acceptor, and the SHA-256 of the certificate's SubjectPublicKeyInfo that clients may pin. `None` for plain `ws`.
pub fn acceptor(tls: &Tls, names: &[IpAddr]) -> Result<Option<(TlsAcceptor, [u8; 32])>, StartError> {
    let (chain, key) = match tls {
        Tls::None => return Ok(None),
        Tls::SelfSigned => self_signed(names)?,
        Tls::Files { cert, key } => {
            let file = |what: &'static str| move |_| StartError::Certificate(what);
            let chain: Vec<_> = CertificateDer::pem_file_iter(cert)
                .map_err(file("the certificate file can't be read"))?
                .collect::<Result<_, _>>()
                .map_err(file("the certificate file is not PEM"))?;
            let key = PrivateKeyDer::from_pem_file(key).map_err(file("the key file can't be read or is not PEM"))?;
            (chain, key)
        }
    };
    let first = chain.first().ok_or(StartError::Certificate("the certificate file holds none"))?;
    let parsed =
        ParsedCertificate::try_from(first).map_err(|_| StartError::Certificate("the certificate is damaged"))?;
    let spki = Sha256::digest(parsed.subject_public_key_info().as_ref()).into();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|_| StartError::Certificate("TLS 1.3 is not available"))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|_| StartError::Certificate("key and certificate don't belong together"))?;
    // A ticket would link a client's connections, and costs memory.
    config.send_tls13_tickets = 0;
    Ok(Some((TlsAcceptor::from(Arc::new(config)), spki)))
}

type KeyAndChain = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn self_signed(names: &[IpAddr]) -> Result<KeyAndChain, StartError> {
    let failed = |_| StartError::Certificate("no certificate could be made");
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?;
    let mut subject: Vec<String> = names.iter().map(ToString::to_string).collect();
    subject.push("localhost".into());
    let certificate = CertificateParams::new(subject).and_then(|params| params.self_signed(&key)).map_err(failed)?;
    let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    Ok((vec![certificate.der().clone()], der))
}
