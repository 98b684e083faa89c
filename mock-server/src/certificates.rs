//! Certificates made for this run: an authority, what it signs for the server's names, and what a client must not trust.

use std::error::Error;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SerialNumber, date_time_ymd,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::clock::Timestamp;
use crate::randomness::Randomness;
use crate::tls_faults::TlsFault;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Clients that keep to the rules of browsers refuse a certificate that lives longer.
const LIFE: Duration = Duration::from_secs(397 * 24 * 60 * 60);

/// A certificate with the chain that it needs, and its key.
pub(crate) type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// A certificate authority with a key that nobody else has, and that is gone with the process.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new(now: Timestamp) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let mut params = CertificateParams::default();
        // Clients find an authority by its name: two runs must not share one.
        let mark = Randomness::new().text(b"0123456789abcdef", 8);
        params.distinguished_name.push(DnType::CommonName, format!("mock-server authority {mark}"));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.serial_number = Some(serial_number());
        valid(&mut params, now, DAY, LIFE * 10);
        Ok(Self(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?))
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for a server with these names, sound or with a fault.
    pub(crate) fn identity(
        &self,
        now: Timestamp,
        names: &[String],
        fault: Option<TlsFault>,
    ) -> Result<Identity, Box<dyn Error + Send + Sync>> {
        let names = if fault == Some(TlsFault::WrongHost) {
            vec!["wrong-host.invalid".to_owned()]
        } else {
            names.to_vec()
        };
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name.push(DnType::CommonName, "mock-server");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        params.serial_number = Some(serial_number());
        match fault {
            Some(TlsFault::Expired) => valid(&mut params, now.earlier_by(DAY), DAY * 30, Duration::ZERO),
            Some(TlsFault::NotYetValid) => valid(&mut params, now + DAY, Duration::ZERO, DAY * 30),
            _ => valid(&mut params, now, DAY, LIFE),
        }
        let key = KeyPair::generate()?;
        let certificate = match fault {
            Some(TlsFault::SelfSigned) => params.self_signed(&key)?,
            _ => params.signed_by(&key, &self.0)?,
        };
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Ok((vec![certificate.der().clone()], key))
    }
}

/// Good from `now` less `before` until `now` plus `after`, in whole seconds.
fn valid(params: &mut CertificateParams, now: Timestamp, before: Duration, after: Duration) {
    let now = date_time_ymd(1970, 1, 1) + Duration::from_secs(now.unix_seconds());
    params.not_before = now - before;
    params.not_after = now + after;
}

/// At random: a browser refuses two certificates of one authority with the same number.
fn serial_number() -> SerialNumber {
    // The first bit is clear, so that the number is positive and not longer than it looks.
    let mut bytes = Randomness::new().bytes::<16>();
    bytes[0] = bytes[0] & 0x7f | 0x40;
    SerialNumber::from_slice(&bytes)
}
