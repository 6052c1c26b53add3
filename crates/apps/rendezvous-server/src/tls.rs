//! The server's certificate.

use std::{io::Write, net::IpAddr, path::Path, sync::Arc};

use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject},
    server::ParsedCertificate,
};
use sha2::{Digest, Sha256};
use tokio_rustls::TlsAcceptor;
use zeroize::Zeroizing;

use crate::{StartError, Tls};

/// An acceptor, and the SHA-256 of the certificate's SubjectPublicKeyInfo that clients may pin. `None` for plain `ws`.
pub fn acceptor(tls: &Tls, names: &[IpAddr]) -> Result<Option<(TlsAcceptor, [u8; 32])>, StartError> {
    let (chain, key) = match tls {
        Tls::None => return Ok(None),
        Tls::SelfSigned { key } => self_signed(names, key.as_deref())?,
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

fn self_signed(names: &[IpAddr], kept: Option<&Path>) -> Result<KeyAndChain, StartError> {
    let failed = |_| StartError::Certificate("no certificate could be made");
    let key = match kept {
        None => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?,
        Some(file) => kept_key(file)?,
    };
    let mut subject: Vec<String> = names.iter().map(ToString::to_string).collect();
    subject.push("localhost".into());
    let certificate = CertificateParams::new(subject).and_then(|params| params.self_signed(&key)).map_err(failed)?;
    let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    Ok((vec![certificate.der().clone()], der))
}

/// The key in `file`, made if the file isn't there. Nobody but its owner may read it.
fn kept_key(file: &Path) -> Result<KeyPair, StartError> {
    match std::fs::read_to_string(file).map(Zeroizing::new) {
        Ok(pem) => KeyPair::from_pem(&pem).map_err(|_| StartError::Certificate("the key file holds no key in PEM")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let failed = |_| StartError::Certificate("no key could be made");
            let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?;
            let pem = Zeroizing::new(key.serialize_pem());
            let mut options = std::fs::OpenOptions::new();
            // `create_new`: two servers that start at once don't overwrite each other's key.
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            options
                .open(file)
                .and_then(|mut file| file.write_all(pem.as_bytes()).and_then(|()| file.sync_all()))
                .map_err(|_| StartError::Certificate("the key file can't be written"))?;
            Ok(key)
        }
        Err(_) => Err(StartError::Certificate("the key file can't be read")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_kept_key_gives_the_same_pin_at_each_start_and_is_read_by_its_owner_alone() {
        let folder = std::env::temp_dir().join(format!("sotto-tls-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("key.pem");
        let pin = |key: Option<&Path>| {
            acceptor(&Tls::SelfSigned { key: key.map(Path::to_owned) }, &["127.0.0.1".parse().unwrap()])
                .map(|made| made.unwrap().1)
        };
        let first = pin(Some(&file)).unwrap();
        assert_eq!(pin(Some(&file)).unwrap(), first);
        assert_ne!(pin(None).unwrap(), first);
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&file.metadata().unwrap().permissions()) & 0o777, 0o600);
        std::fs::write(&file, "not a key").unwrap();
        assert!(matches!(pin(Some(&file)), Err(StartError::Certificate(_))), "a damaged key is never replaced");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
