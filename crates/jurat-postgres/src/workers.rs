//! The threads that sessions run on. A session stays on one thread: both of its sockets are watched there,
//! so nothing about it ever has to wake another thread.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread::JoinHandle,
};

use tokio::{runtime::Handle, sync::oneshot};

/// Threads for sessions, each with a runtime of its own.
#[derive(Debug)]
pub struct Workers {
    /// Empty once they were stopped. Locked when a client connects, never while one is served.
    workers: Mutex<Vec<Worker>>,
}

#[derive(Debug)]
struct Worker {
    handle: Handle,
    sessions: Arc<AtomicUsize>,
    /// Its end ends the thread, and with it every session that is still there.
    _stop: oneshot::Sender<()>,
    thread: Option<JoinHandle<()>>,
}

/// Counts one session on its worker for as long as it lives.
#[derive(Debug)]
pub struct Seat(Arc<AtomicUsize>);

impl Workers {
    /// Starts `count` threads, at least one.
    ///
    /// # Errors
    /// Where the system starts no thread.
    pub fn start(count: usize) -> io::Result<Self> {
        let workers = (0..count.max(1)).map(Worker::start).collect::<io::Result<_>>()?;
        Ok(Self { workers: Mutex::new(workers) })
    }

    /// The thread with the fewest sessions; none once they were stopped.
    pub fn seat(&self) -> Option<(Handle, Seat)> {
        let workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        let worker = workers.iter().min_by_key(|worker| worker.sessions.load(Ordering::Relaxed))?;
        worker.sessions.fetch_add(1, Ordering::Relaxed);
        Some((worker.handle.clone(), Seat(Arc::clone(&worker.sessions))))
    }

    /// Ends the threads, and the sessions that are still on them. It waits: call it where that is allowed.
    pub fn stop(&self) {
        let workers =
            std::mem::take(&mut *self.workers.lock().unwrap_or_else(PoisonError::into_inner));
        let threads: Vec<_> =
            workers.into_iter().filter_map(|mut worker| worker.thread.take()).collect();
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a thread of sessions ended badly");
            }
        }
    }
}

impl Worker {
    fn start(number: usize) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name(format!("jurat-worker-{number}")).spawn(
            move || {
                // Nothing is ever sent: the sender goes, and that is the sign.
                let _gone = runtime.block_on(stopped);
            },
        )?;
        Ok(Self { handle, sessions: Arc::default(), _stop: stop, thread: Some(thread) })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::Workers;

    #[test]
    fn sessions_go_where_there_are_fewest_and_stay_on_one_thread() {
        let workers = Workers::start(2).unwrap();
        let (first, seat) = workers.seat().unwrap();
        let (second, _seat) = workers.seat().unwrap();
        drop(seat);
        let (third, _seat) = workers.seat().unwrap();
        let name = |handle: &tokio::runtime::Handle| {
            let (send, receive) = std::sync::mpsc::channel();
            handle
                .spawn(async move { send.send(std::thread::current().name().map(str::to_owned)) });
            receive.recv().unwrap().unwrap()
        };
        assert_eq!(name(&first), name(&third));
        assert_ne!(name(&first), name(&second));
        workers.stop();
    }
}
