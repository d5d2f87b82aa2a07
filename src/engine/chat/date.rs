//! The date, for templates that say it to the model: `strftime_now`, in UTC.

use std::fmt::Write;
use std::time::{Duration, SystemTime};

/// `format` with the directives of C's `strftime` that templates use; another directive stays as it is.
pub(super) fn format(format: &str, now: SystemTime) -> String {
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().min(LATEST);
    let date = Date::of(since.as_secs());
    let mut text = String::new();
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            text.push(character);
            continue;
        }
        match characters.next() {
            // Without the leading zero or space.
            Some('-') => match characters.next() {
                Some(directive) => {
                    let padded = date.part(directive).unwrap_or_else(|| format!("%-{directive}"));
                    let short = padded.trim_start_matches(['0', ' ']);
                    text.push_str(if short.is_empty() { "0" } else { short });
                }
                None => text.push_str("%-"),
            },
            Some(directive) => {
                text.push_str(&date.part(directive).unwrap_or_else(|| format!("%{directive}")));
            }
            None => text.push('%'),
        }
    }
    text
}

struct Date {
    year: u64,
    month: usize,
    day: u64,
    weekday: usize,
    second_of_day: u64,
    day_of_year: u64,
}

impl Date {
    fn of(seconds: u64) -> Self {
        let mut days = seconds / DAY;
        // The first of January 1970 was a Thursday.
        let weekday = ((days + 4) % 7) as usize;
        let mut year = 1970;
        while days_of(year) <= days {
            days -= days_of(year);
            year += 1;
        }
        let day_of_year = days + 1;
        let mut month = 0;
        while days_of_month(year, month) <= days {
            days -= days_of_month(year, month);
            month += 1;
        }
        Date { year, month, day: days + 1, weekday, second_of_day: seconds % DAY, day_of_year }
    }

    fn part(&self, directive: char) -> Option<String> {
        let (hour, minute, second) =
            (self.second_of_day / 3600, self.second_of_day / 60 % 60, self.second_of_day % 60);
        let (month, weekday) = (MONTHS[self.month], WEEKDAYS[self.weekday]);
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = match directive {
            'Y' => write!(text, "{}", self.year),
            'y' => write!(text, "{:02}", self.year % 100),
            'm' => write!(text, "{:02}", self.month + 1),
            'd' => write!(text, "{:02}", self.day),
            'e' => write!(text, "{:2}", self.day),
            'j' => write!(text, "{:03}", self.day_of_year),
            'B' => write!(text, "{month}"),
            'b' | 'h' => write!(text, "{}", &month[..3]),
            'A' => write!(text, "{weekday}"),
            'a' => write!(text, "{}", &weekday[..3]),
            'H' => write!(text, "{hour:02}"),
            'I' => write!(text, "{:02}", (hour + 11) % 12 + 1),
            'p' => write!(text, "{}", if hour < 12 { "AM" } else { "PM" }),
            'M' => write!(text, "{minute:02}"),
            'S' => write!(text, "{second:02}"),
            'F' => write!(text, "{}-{:02}-{:02}", self.year, self.month + 1, self.day),
            'T' => write!(text, "{hour:02}:{minute:02}:{second:02}"),
            'Z' => write!(text, "UTC"),
            'z' => write!(text, "+0000"),
            '%' => write!(text, "%"),
            _ => return None,
        };
        Some(text)
    }
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_of(year: u64) -> u64 {
    if is_leap(year) { 366 } else { 365 }
}

fn days_of_month(year: u64, month: usize) -> u64 {
    match month {
        1 if is_leap(year) => 29,
        1 => 28,
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    }
}

const DAY: u64 = 24 * 3600;

/// The last second of the year 9999: a clock may be set to anything, and years beyond have more digits than templates expect.
const LATEST: Duration = Duration::from_secs(253_402_300_799);

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64, text: &str) -> String {
        format(text, SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(at(0, "%A, %d %B %Y %H:%M:%S"), "Thursday, 01 January 1970 00:00:00");
        assert_eq!(at(951_782_400, "%Y-%m-%d %j %a"), "2000-02-29 060 Tue");
        assert_eq!(at(1_709_251_199, "%F %T %I %p"), "2024-02-29 23:59:59 11 PM");
        assert_eq!(at(4_107_542_399, "%d %b %y"), "28 Feb 00");
        assert_eq!(at(4_107_542_400, "%-d %b %Y, %e|%-I"), "1 Mar 2100,  1|12");
        assert_eq!(at(u64::MAX >> 8, "%F"), "9999-12-31");
    }

    #[test]
    fn what_is_no_directive_stays() {
        assert_eq!(at(0, "100%% %Q %-Q %"), "100% %Q %-Q %");
        assert_eq!(at(0, "%-"), "%-");
        assert_eq!(format("%Y", SystemTime::UNIX_EPOCH - Duration::from_secs(9)), "1970");
    }
}
