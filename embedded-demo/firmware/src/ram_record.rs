//! A record that lasts as long as the power does: QEMU has no flash that this chip could write.

use alloc::vec::Vec;
use core::convert::Infallible;

use embedded_demo::Storage;
use zeroize::Zeroizing;

/// Stands where a product has `embedded_demo::FlashRecord`.
#[derive(Default)]
pub struct RamRecord(Option<Zeroizing<Vec<u8>>>);

impl Storage for RamRecord {
    type Error = Infallible;

    fn load(&mut self) -> Result<Option<Zeroizing<Vec<u8>>>, Infallible> {
        Ok(self.0.clone())
    }

    fn save(&mut self, record: &[u8]) -> Result<(), Infallible> {
        self.0 = Some(Zeroizing::new(record.to_vec()));
        Ok(())
    }

    fn erase(&mut self) -> Result<(), Infallible> {
        self.0 = None;
        Ok(())
    }
}
