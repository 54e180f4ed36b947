//! The disk: damage, a folder that is gone, no room.

use crate::Result;

pub async fn run() -> Result {
    Ok(())
}
