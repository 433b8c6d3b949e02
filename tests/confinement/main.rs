//! What a worker may not do, tried from inside (forbidden deeds of a `probe` build) and seen from outside (what the kernel
//! says about the processes of a running server). Needs root.

mod deeds;
mod outside;
