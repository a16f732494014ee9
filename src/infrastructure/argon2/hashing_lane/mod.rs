//! The lane in which passwords are hashed: threads of its own with their memory, and a bounded queue in front. It keeps
//! the slow hashes away from the threads that answer everything else, and bounds the memory of a storm of sign-ins.

mod memory;
mod queue;

use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

pub(in crate::infrastructure) use memory::Memory;
pub use queue::LaneCounts;
use queue::{PendingJob, Queue};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::Span;

use crate::application::ports::HashError;

/// The least urgent priority of a thread.
const NICENESS: i32 = 19;

/// The lane. Dropping it ends its threads, after the jobs they have in hand.
pub(in crate::infrastructure) struct HashingLane {
    queue: Arc<Queue>,
    threads: Vec<JoinHandle<()>>,
}

/// How large a lane is.
#[derive(Debug, Clone, Copy)]
pub(in crate::infrastructure) struct LaneSize {
    /// How many threads work.
    pub threads: usize,
    /// How many jobs may wait.
    pub queue: usize,
    /// How many blocks of 1 KiB each thread keeps.
    pub blocks: usize,
}

impl HashingLane {
    /// Starts the threads.
    pub(in crate::infrastructure) fn start(size: LaneSize) -> io::Result<Self> {
        let mut lane = Self { queue: Arc::new(Queue::new(size.queue)), threads: Vec::with_capacity(size.threads) };
        for number in 0..size.threads {
            let queue = Arc::clone(&lane.queue);
            let thread = thread::Builder::new().name(format!("ipse-hash-{number}"));
            lane.threads.push(thread.spawn(move || work(&queue, Memory::new(size.blocks)))?);
        }
        Ok(lane)
    }

    /// Does the work on one of the threads, first come, first served. If the caller drops this future before its turn, the work
    /// is never begun. A full queue answers `Overloaded` at once.
    pub(in crate::infrastructure) async fn run<W, T>(&self, work: W) -> Result<T, HashError>
    where
        W: FnOnce(&mut Memory) -> T + Send + 'static,
        T: Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let (call, waiting) = (Span::current(), tracing::trace_span!("wait for a hashing thread"));
        let work = move |memory: &mut Memory| {
            drop(waiting);
            tracing::trace_span!(parent: &call, "hash").in_scope(|| work(memory))
        };
        self.queue.push(Box::new(PendingJob::new(work, reply)))?;
        answer.await.map_err(|ended| HashError::Failed(ended.into()))
    }

    /// What has become of the jobs so far.
    pub(in crate::infrastructure) fn counts(&self) -> LaneCounts {
        self.queue.counts()
    }

    /// How long all threads together have worked.
    pub(in crate::infrastructure) fn busy(&self) -> Duration {
        self.queue.busy()
    }
}

impl Drop for HashingLane {
    fn drop(&mut self) {
        self.queue.close();
        for thread in self.threads.drain(..) {
            // A job's panic is caught, so a thread has no other end to tell of.
            let _ = thread.join();
        }
    }
}

fn work(queue: &Queue, mut memory: Memory) {
    if let Err(error) = lower_priority() {
        tracing::warn!(%error, "a hashing thread keeps its normal priority");
    }
    while let Some(job) = queue.pop() {
        let began = Instant::now();
        // A panic drops the job and with it the reply, which its caller sees as a failure. The thread must live on, or
        // the lane would get narrower with each panic until all sign-ins hang.
        let _ = panic::catch_unwind(AssertUnwindSafe(|| job.run(&mut memory)));
        queue.count_busy(began.elapsed());
    }
}

/// Lets everything else go first. On Linux this concerns the calling thread alone; elsewhere it would slow the whole
/// process, so it is left out.
fn lower_priority() -> rustix::io::Result<()> {
    if cfg!(target_os = "linux") { rustix::process::setpriority_process(None, NICENESS) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::sync::mpsc;

    use futures_util::FutureExt as _;
    use tokio::task::JoinHandle;

    use super::*;

    fn lane(threads: usize, queue: usize) -> Arc<HashingLane> {
        Arc::new(HashingLane::start(LaneSize { threads, queue, blocks: 8 }).unwrap())
    }

    /// Keeps a thread of the lane busy until the returned sender is dropped.
    async fn occupy(lane: &Arc<HashingLane>) -> (mpsc::Sender<()>, JoinHandle<Result<(), HashError>>) {
        let (release, released) = mpsc::channel::<()>();
        let (begun, begins) = oneshot::channel();
        let lane = Arc::clone(lane);
        let job = tokio::spawn(async move {
            lane.run(move |_| {
                begun.send(()).unwrap();
                assert!(released.recv().is_err());
            })
            .await
        });
        begins.await.unwrap();
        (release, job)
    }

    type Running<'lane, T> = Pin<Box<dyn Future<Output = Result<T, HashError>> + 'lane>>;

    /// Polls a job once, so that it stands in the queue.
    fn enqueue<T: Send + 'static>(
        lane: &HashingLane,
        work: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Running<'_, T> {
        let mut job: Running<'_, T> = Box::pin(lane.run(work));
        assert!((&mut job).now_or_never().is_none());
        job
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once_and_recovers() {
        let lane = lane(1, 2);
        let (release, busy) = occupy(&lane).await;
        let first = enqueue(&lane, |_| 1);
        let second = enqueue(&lane, |_| 2);
        assert_eq!(lane.counts(), LaneCounts { waiting: 2, begun: 1, refused: 0 });
        assert!(matches!(lane.run(|_| 3).await, Err(HashError::Overloaded)));
        drop(release);
        busy.await.unwrap().unwrap();
        assert_eq!((first.await.unwrap(), second.await.unwrap(), lane.run(|_| 3).await.unwrap()), (1, 2, 3));
        assert_eq!(lane.counts(), LaneCounts { waiting: 0, begun: 4, refused: 1 });
    }

    #[tokio::test]
    async fn an_abandoned_job_is_never_begun_and_gives_its_place_back() {
        let lane = lane(1, 2);
        let (release, busy) = occupy(&lane).await;
        let (witness, ran) = mpsc::channel();
        let note = |name: &'static str| {
            let witness = witness.clone();
            move |_: &mut Memory| witness.send(name).unwrap()
        };
        let pruned = enqueue(&lane, note("pruned"));
        let skipped = enqueue(&lane, note("skipped"));
        drop(pruned);
        let kept = enqueue(&lane, note("kept"));
        assert_eq!(lane.counts().waiting, 2);
        drop(skipped);
        drop(release);
        busy.await.unwrap().unwrap();
        kept.await.unwrap();
        drop(witness);
        assert_eq!(ran.iter().collect::<Vec<_>>(), ["kept"]);
    }

    #[tokio::test]
    async fn jobs_run_in_the_order_they_came() {
        let lane = lane(1, 64);
        let (release, busy) = occupy(&lane).await;
        let (witness, ran) = mpsc::channel();
        let mut jobs = Vec::new();
        for number in 0..64 {
            let witness = witness.clone();
            jobs.push(enqueue(&lane, move |_| witness.send(number).unwrap()));
        }
        drop(witness);
        drop(release);
        busy.await.unwrap().unwrap();
        for job in jobs {
            job.await.unwrap();
        }
        assert_eq!(ran.iter().collect::<Vec<i32>>(), (0..64).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_panic_is_an_error_of_its_caller_alone() {
        let lane = lane(1, 1);
        let broken = lane.run(|_| panic!("a job that fails on purpose")).await;
        assert!(matches!(broken, Err::<(), _>(HashError::Failed(_))));
        assert_eq!(lane.run(|_| 1).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_thread_keeps_its_memory() {
        let lane = lane(1, 1);
        let place = |memory: &mut Memory| memory.with_blocks(8, |blocks| blocks.as_ptr().addr()).unwrap();
        assert_eq!(lane.run(place).await.unwrap(), lane.run(place).await.unwrap());
    }

    #[test]
    fn dropping_the_lane_ends_its_threads() {
        let lane = lane(2, 1);
        let queue = Arc::downgrade(&lane.queue);
        drop(lane);
        assert_eq!(queue.strong_count(), 0);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_threads_yield_to_all_others_and_only_they() {
        let niceness = || rustix::process::getpriority_process(None).unwrap();
        let before = niceness();
        assert_eq!(lane(1, 1).run(move |_| niceness()).await.unwrap(), NICENESS);
        assert_eq!(rustix::process::getpriority_process(None).unwrap(), before);
    }
}
