//! Resolves host names within a time limit, and returns an error if no thread can be started.
//!
//! ureq's own resolver panics in that case.

use std::io;
use std::net::ToSocketAddrs;
use std::sync::mpsc;

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use crate::cli::threads::start;

/// A limit of the OS (`ulimit -u` or `ulimit -v`) does not allow another thread.
#[derive(Debug, thiserror::Error)]
#[error("cannot start a thread: {0}")]
pub struct ThreadError(pub io::Error);

/// Resolves each host name in a thread of its own, because the function of the OS has no time limit.
#[derive(Debug)]
pub(super) struct ThreadResolver;

impl Resolver for ThreadResolver {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let host = uri.scheme().zip(uri.authority());
        let host = host.and_then(|(scheme, host)| DefaultResolver::host_and_port(scheme, host));
        let host = host.ok_or_else(|| Error::BadUri(uri.to_string()))?;
        let (sender, receiver) = mpsc::sync_channel(1);
        start(|builder, ready| {
            builder.spawn(move || {
                ready.send();
                sender.send(host.to_socket_addrs())
            })
        })
        .map_err(|error| Error::Other(ThreadError(error).into()))?;
        let addresses =
            receiver.recv_timeout(*timeout.after).map_err(|_| Error::Timeout(timeout.reason))??;
        let mut resolved = self.empty();
        for address in config.ip_family().keep_wanted(addresses) {
            if resolved.try_push(address).is_err() {
                break;
            }
        }
        if resolved.is_empty() { Err(Error::HostNotFound) } else { Ok(resolved) }
    }
}
