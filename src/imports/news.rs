//! News of imports: pages wait for them.

use std::sync::Arc;

use tokio::sync::watch;

/// Says that royalties have changed. Cheap to clone.
#[derive(Clone, Debug)]
pub struct News(Arc<watch::Sender<()>>);

impl Default for News {
    fn default() -> News {
        News(Arc::new(watch::Sender::new(())))
    }
}

impl News {
    /// Wakes those who wait.
    pub fn spread(&self) {
        self.0.send_replace(());
    }

    /// Hears of everything from now on. What comes while nobody looks is heard once.
    pub fn subscribe(&self) -> watch::Receiver<()> {
        self.0.subscribe()
    }
}
