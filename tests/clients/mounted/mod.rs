//! The documents mounted as a folder. That takes root and a machine that gives it FUSE, which `./test` finds out: then it runs what is
//! `#[ignore]` here, and else it says that it was not run.

mod davfs2;
mod rclone;
