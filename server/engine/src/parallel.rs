//! Work on many things, shared out among the processors: reading a thousand small files of the kernel's takes its
//! time in the kernel, on one processor as on two.
//!
//! Threads end before a call returns, and few things are done by the caller alone. Nothing here knows what the
//! work is.

use std::num::NonZeroUsize;
use std::thread;

/// Fewer things than this are not worth a thread.
const WORTH_A_THREAD: usize = 32;
/// As many threads work at most: a host that shows what it does is there to do something else.
const MOST_THREADS: usize = 8;

/// What comes of each thing, in their order.
pub(crate) fn map<T: Sync, R: Send>(things: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let of_pieces = in_pieces(things, |piece| piece.iter().map(&work).collect::<Vec<R>>());
    of_pieces.into_iter().flatten().collect()
}

/// What comes of each piece, in their order: one piece a processor.
pub(crate) fn in_pieces<T: Sync, R: Send>(things: &[T], work: impl Fn(&[T]) -> R + Sync) -> Vec<R> {
    let worth = things.len() / WORTH_A_THREAD;
    if worth < 2 {
        return vec![work(things)];
    }
    let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let size = things.len().div_ceil(worth.min(processors).min(MOST_THREADS));
    let (first, rest) = things.split_at(size);
    let work = &work;
    thread::scope(|scope| {
        let others: Vec<_> = rest
            .chunks(size)
            .map(|piece| {
                let thread = thread::Builder::new().spawn_scoped(scope, move || work(piece));
                // The host has none left: then it takes longer.
                thread.map_err(|_| piece)
            })
            .collect();
        let mut done = vec![work(first)];
        done.extend(others.into_iter().map(|other| match other {
            Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(piece) => work(piece),
        }));
        done
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_and_all_is_in_order() {
        for count in [0, 1, 31, 32, 63, 64, 65, 1000] {
            let things: Vec<usize> = (0..count).collect();
            let doubled: Vec<usize> = things.iter().map(|thing| thing * 2).collect();
            assert_eq!(map(&things, |thing| thing * 2), doubled);
            let pieces = in_pieces(&things, <[usize]>::len);
            assert_eq!(pieces.iter().sum::<usize>(), count);
            assert!(pieces.len() <= MOST_THREADS);
        }
    }
}
