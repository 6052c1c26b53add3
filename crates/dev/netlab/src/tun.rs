//! A TUN interface inside a namespace: the one place of this crate that needs `unsafe`.

use std::fs::{File, OpenOptions};

use rustix::ioctl::{Opcode, Updater, ioctl};

use crate::{LabError, Namespace};

/// `TUNSETIFF` of `linux/if_tun.h`: `_IOW('T', 202, int)`; its operand is nevertheless a `struct ifreq`.
const TUNSETIFF: Opcode = rustix::ioctl::opcode::write::<i32>(b'T', 202);
/// Bare IP packets.
const IFF_TUN: i16 = 0x0001;
/// No packet-information header.
const IFF_NO_PI: i16 = 0x1000;

/// `struct ifreq` of `linux/if.h`: a name of 16 bytes and a union of 24.
#[repr(C)]
struct InterfaceRequest {
    name: [u8; 16],
    flags: i16,
    rest: [u8; 22],
}

/// Makes the interface `name` (at most 15 bytes) in `namespace` and gives the file that carries its packets.
pub(crate) fn open(namespace: &Namespace, name: &str) -> Result<File, LabError> {
    let mut request = InterfaceRequest { name: [0; 16], flags: IFF_TUN | IFF_NO_PI, rest: [0; 22] };
    let length = name.len().min(15);
    request.name[..length].copy_from_slice(&name.as_bytes()[..length]);
    namespace.run(move || -> Result<File, LabError> {
        let file = OpenOptions::new().read(true).write(true).open("/dev/net/tun")?;
        attach(&file, &mut request)?;
        Ok(file)
    })?
}

#[expect(unsafe_code, reason = "TUNSETIFF has no safe wrapper")]
fn attach(file: &File, request: &mut InterfaceRequest) -> Result<(), LabError> {
    // SAFETY: the operand of TUNSETIFF is a `struct ifreq`, which the kernel reads and writes back; the type above has
    // its layout and its full size of 40 bytes on 64-bit Linux, and lives until the call returns.
    unsafe { ioctl(file, Updater::<TUNSETIFF, InterfaceRequest>::new(request))? };
    Ok(())
}
