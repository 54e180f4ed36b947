//! The disk: damage, a folder that is gone, no room.
