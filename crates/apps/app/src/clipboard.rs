//! Secrets on the clipboard: kept out of its history where the system knows how, and taken off after a minute.

use std::time::{Duration, Instant};

use sotto_ui::Secret;

const KEPT: Duration = Duration::from_secs(60);

/// A secret that lies on the clipboard. Dropped, it is taken off at once.
pub struct OnClipboard {
    clipboard: arboard::Clipboard,
    secret: Secret,
    until: Instant,
}

impl OnClipboard {
    /// Puts a secret on the clipboard.
    ///
    /// # Errors
    /// There is no clipboard, or it refuses.
    pub fn put(secret: Secret) -> Result<Self, arboard::Error> {
        let mut clipboard = arboard::Clipboard::new()?;
        let set = clipboard.set();
        #[cfg(target_os = "linux")]
        let set = arboard::SetExtLinux::exclude_from_history(set);
        set.text(secret.expose())?;
        Ok(Self { clipboard, secret, until: Instant::now() + KEPT })
    }

    /// How long it may stay there.
    pub fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }
}

impl Drop for OnClipboard {
    fn drop(&mut self) {
        // What somebody copied since stays. Without an answer the program's end takes the text away.
        let is_ours = self.clipboard.get_text().is_ok_and(|text| {
            let text = zeroize::Zeroizing::new(text);
            text.as_str() == self.secret.expose()
        });
        if is_ours && let Err(error) = self.clipboard.clear() {
            tracing::warn!(%error, "the clipboard could not be cleared");
        }
    }
}
