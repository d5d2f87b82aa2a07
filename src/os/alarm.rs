//! An alarm: waits for an instant of the boot clock, or until it is rung.
//!
//! The timers of `std` count monotonic time, which stands still during suspend; after an hour of sleep they
//! would be an hour late. This one is a `timerfd` on `CLOCK_BOOTTIME`.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use modeld_spec::time::BootTime;
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::io::{Errno, read, write};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

use super::Alarm;

/// Waits for an instant of the boot clock, or until it is rung.
#[derive(Debug)]
pub struct BootAlarm {
    timer: OwnedFd,
    bell: OwnedFd,
}

impl BootAlarm {
    /// A silent alarm.
    ///
    /// # Errors
    /// What the system says, for instance when no descriptor is left.
    pub fn new() -> io::Result<Self> {
        let timer_flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        Ok(BootAlarm {
            timer: timerfd_create(TimerfdClockId::Boottime, timer_flags)?,
            bell: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
        })
    }
}

impl Alarm for BootAlarm {
    fn ring(&self) {
        // It fails only when the counter is full, and then the bell rings already.
        let _ = write(&self.bell, &1_u64.to_ne_bytes());
    }

    fn wait(&self, until: BootTime) -> io::Result<()> {
        let nanos = until.as_nanos();
        let it_value = Timespec {
            tv_sec: i64::try_from(nanos / NANOS_PER_SECOND).unwrap_or(i64::MAX),
            // Zero would disarm the timer; one nanosecond after boot has passed just the same.
            tv_nsec: (nanos % NANOS_PER_SECOND).max(u64::from(nanos < NANOS_PER_SECOND)) as _,
        };
        let it_interval = Timespec { tv_sec: 0, tv_nsec: 0 };
        timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &Itimerspec { it_interval, it_value })?;
        let mut descriptors = [
            PollFd::from_borrowed_fd(self.timer.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.bell.as_fd(), PollFlags::IN),
        ];
        match poll(&mut descriptors, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        // Empties the bell for the next wait; nothing to read is what happens when the timer ended this one.
        let _ = read(&self.bell, &mut [0_u8; 8]);
        Ok(())
    }
}

const NANOS_PER_SECOND: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;
    use std::time::Duration;

    use super::*;
    use crate::os::{BootClock, Clock};

    #[test]
    fn it_wakes_at_the_instant_and_not_before() {
        let alarm = BootAlarm::new().unwrap();
        let until = BootClock.now().after(Duration::from_millis(20));
        alarm.wait(until).unwrap();
        assert!(until <= BootClock.now());
        alarm.wait(BootTime::ZERO).unwrap();
    }

    #[test]
    fn a_ring_ends_the_wait_and_is_not_lost() {
        let alarm = Arc::new(BootAlarm::new().unwrap());
        let far = BootClock.now().after(Duration::from_secs(3600));
        alarm.ring();
        alarm.wait(far).unwrap();
        let ringer = {
            let alarm = Arc::clone(&alarm);
            thread::spawn(move || alarm.ring())
        };
        alarm.wait(far).unwrap();
        ringer.join().unwrap();
        assert!(BootClock.now() < far);
    }
}
