//! Dates and times in words.

use sotto_session_api::sentences::Language;

/// Now, as told by the app.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Clock {
    /// Seconds of a clock that never jumps.
    pub mono: f64,
    /// Unix seconds.
    pub unix: u64,
    /// Seconds that local time is ahead of UTC.
    pub utc_offset: i32,
}

/// A date and time of day where the person is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Local {
    /// Year.
    pub year: i64,
    /// 1–12.
    pub month: usize,
    /// 1–31.
    pub day: u64,
    /// 0 = Monday.
    pub weekday: usize,
    /// 0–23.
    pub hour: u64,
    /// 0–59.
    pub minute: u64,
}

impl Clock {
    /// Unix seconds as local date and time.
    #[must_use]
    pub fn local(&self, unix: u64) -> Local {
        let seconds = i64::try_from(unix).unwrap_or(i64::MAX / 2).saturating_add(i64::from(self.utc_offset)).max(0);
        let (days, second) = (seconds / 86_400, seconds % 86_400);
        // Days from civil, inverted: https://howardhinnant.github.io/date_algorithms.html
        let z = days + 719_468;
        let era = z / 146_097;
        let day_of_era = z - era * 146_097;
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let number = |value: i64| u64::try_from(value).unwrap_or(0);
        Local {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month: usize::try_from(month).unwrap_or(1),
            day: number(day_of_year - (153 * shifted + 2) / 5 + 1),
            weekday: usize::try_from((days + 3).rem_euclid(7)).unwrap_or(0),
            hour: number(second / 3600),
            minute: number(second % 3600 / 60),
        }
    }
}

const MONTHS: [[&str; 12]; 2] = [
    [
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
    ],
    [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
];

const DAYS: [[&str; 7]; 2] = [
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"],
];

const fn index(language: Language) -> usize {
    match language {
        Language::English => 0,
        Language::German => 1,
    }
}

impl Local {
    /// `24 February`, `24. Februar`.
    #[must_use]
    pub fn date(&self, language: Language) -> String {
        let month = MONTHS[index(language)][(self.month + 11) % 12];
        match language {
            Language::English => format!("{} {month}", self.day),
            Language::German => format!("{}. {month}", self.day),
        }
    }

    /// `Tuesday, 3 March`.
    #[must_use]
    pub fn day_and_date(&self, language: Language) -> String {
        format!("{}, {}", DAYS[index(language)][self.weekday % 7], self.date(language))
    }

    /// `9:56`.
    #[must_use]
    pub fn time(&self) -> String {
        format!("{}:{:02}", self.hour, self.minute)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unix_seconds_become_local_dates() {
        let clock = Clock { utc_offset: 3600, ..Clock::default() };
        let local = clock.local(1_772_528_160);
        assert_eq!(local.day_and_date(Language::English), "Tuesday, 3 March");
        assert_eq!(local.day_and_date(Language::German), "Dienstag, 3. März");
        assert_eq!((local.time().as_str(), local.year), ("9:56", 2026));
        let leap = Clock::default().local(1_709_164_800);
        assert_eq!(leap.date(Language::English), "29 February");
        assert_eq!(Clock::default().local(0).day_and_date(Language::English), "Thursday, 1 January");
        assert_eq!(
            Clock { utc_offset: -7200, ..Clock::default() }.local(1_735_693_200).date(Language::German),
            "31. Dezember"
        );
    }
}
