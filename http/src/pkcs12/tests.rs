use std::path::Path;
use std::process::Command;

use super::*;

const PASSWORD: &str = "p\u{e4}ssw\u{f6}rd";

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Writes `cert.pem`, `key.pem` and `ca.pem`.
fn write_pem(folder: &Path) -> (Vec<u8>, Vec<u8>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_string()]).unwrap();
    let ca = rcgen::generate_simple_self_signed(["ca".to_string()]).unwrap();
    for (name, text) in [
        ("cert.pem", made.cert.pem()),
        ("key.pem", made.signing_key.serialize_pem()),
        ("ca.pem", ca.cert.pem()),
    ] {
        write(&folder.join(name), text.as_bytes());
    }
    (made.cert.der().to_vec(), made.signing_key.serialize_der())
}

#[expect(clippy::disallowed_methods, reason = "a test may wait for its disk")]
fn write(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
}

#[expect(clippy::disallowed_methods, reason = "a test may wait for its disk")]
fn bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

fn openssl(folder: &Path, more: &[&str]) -> Vec<u8> {
    let password = format!("pass:{PASSWORD}");
    let fixed = ["pkcs12", "-export", "-out", "out.p12", "-inkey", "key.pem", "-in", "cert.pem"];
    let mut command = Command::new("openssl");
    run(command.current_dir(folder).args(fixed).args(["-passout", &password]).args(more));
    bytes(&folder.join("out.p12"))
}

#[test]
fn what_openssl_writes_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = write_pem(folder.path());
    for more in [
        &[][..],
        &["-certfile", "ca.pem"],
        &["-keypbe", "AES-128-CBC", "-certpbe", "AES-192-CBC", "-macalg", "sha512"],
        &["-keypbe", "NONE", "-certpbe", "NONE"],
        &["-nomac", "-iter", "1"],
        &["-macalg", "sha1", "-iter", "100000"],
    ] {
        let file = openssl(folder.path(), more);
        assert!(is_it(&file));
        let content = read(&file, PASSWORD).unwrap_or_else(|error| panic!("{more:?}: {error}"));
        assert_eq!(content.chain()[0].as_ref(), certificate, "{more:?}");
        assert_eq!(content.key().unwrap().secret_der(), key, "{more:?}");
        let certificates = if more.contains(&"-certfile") { 2 } else { 1 };
        assert_eq!(content.certificates().len(), certificates);
        if !more.contains(&"NONE") {
            assert!(matches!(read(&file, "guess"), Err(WrongPassword)), "{more:?}");
        }
    }
    let old = openssl(folder.path(), &["-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES"]);
    assert!(matches!(read(&old, PASSWORD), Err(OldCipher)));
}

/// A key with its certificate, and a certificate that is trusted.
#[test]
fn what_keytool_writes_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let keytool = |args: &[&str]| {
        let store = ["-storetype", "PKCS12", "-storepass", "password", "-keystore", "out.p12"];
        run(Command::new("keytool").current_dir(folder.path()).args(args).args(store));
    };
    write_pem(folder.path());
    let pair = ["-genkeypair", "-alias", "weir", "-keyalg", "EC", "-dname", "CN=weir"];
    keytool(&pair);
    keytool(&["-importcert", "-noprompt", "-alias", "ca", "-file", "ca.pem"]);
    let content = read(&bytes(&folder.path().join("out.p12")), "password").unwrap();
    assert_eq!((content.certificates().len(), content.keys.len()), (2, 1));
    let own = &content.chain()[0];
    assert_eq!(crate::subject::of_certificate(own).unwrap(), "CN=weir");
}

#[test]
fn what_is_cut_off_or_changed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    write_pem(folder.path());
    let file = openssl(folder.path(), &["-iter", "1"]);
    for length in 0..file.len() {
        assert!(read(&file[..length], PASSWORD).is_err(), "{length}");
    }
    for at in 0..file.len() {
        let mut changed = file.clone();
        changed[at] ^= 0x55;
        let _ = read(&changed, PASSWORD); // it does not panic
    }
}
