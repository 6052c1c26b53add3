//! Bytes that must not be seen.

use zeroize::{Zeroize, ZeroizeOnDrop};

/// `N` secret bytes: erased on drop, no `Copy`, no `Display`, a `Debug` that shows nothing.
///
/// They lie on the heap: moved by value they would leave a copy wherever they had been, and an empty `Option` made there
/// would carry it on in its unused bytes.
#[derive(Clone)]
pub struct Secret<const N: usize>(Box<[u8; N]>);

impl<const N: usize> Secret<N> {
    /// Takes the bytes over. The caller's copy, if any, is the caller's to erase.
    #[must_use]
    pub fn new(bytes: [u8; N]) -> Self {
        Self(Box::new(bytes))
    }
    /// The bytes. Do not log, format or compare them with `==`.
    #[must_use]
    pub fn expose(&self) -> &[u8; N] {
        &self.0
    }
}

impl<const N: usize> Zeroize for Secret<N> {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

impl<const N: usize> Drop for Secret<N> {
    fn drop(&mut self) {
        self.zeroize();
    }
}

impl<const N: usize> ZeroizeOnDrop for Secret<N> {}

impl<const N: usize> core::fmt::Debug for Secret<N> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Secret(…)")
    }
}
