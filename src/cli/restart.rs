//! Restarts the program with a variable that the graphics driver needs.

/// Restarts the program with `XDG_RUNTIME_DIR` if it is not set on Linux. Mesa's drivers look for a display in that directory, and
/// without the variable they print errors that look like errors of this program. Does nothing if the restart fails.
pub fn with_runtime_dir() {
    #[cfg(target_os = "linux")]
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        use std::os::unix::process::CommandExt;
        let mut args = std::env::args_os();
        let mut command = std::process::Command::new("/proc/self/exe");
        command.arg0(args.next().unwrap_or_default()).args(args);
        // No display can exist below this path.
        let _ = command.env("XDG_RUNTIME_DIR", "/dev/null").exec();
    }
}
