//! Schedules in plain words, in a few languages.

use std::sync::LazyLock;

use regex::Regex;

use crate::reading::words::has_any;

const DAYS: [&[&str]; 7] = [
    &["sunday*", "sundays", "sonntag*", "dimanche*", "domingo*", "周日", "星期日", "星期天", "日曜", "الأحد"],
    &["monday*", "montag*", "lundi*", "lunes", "周一", "星期一", "月曜", "الاثنين", "الإثنين"],
    &["tuesday*", "dienstag*", "mardi*", "martes", "周二", "星期二", "火曜", "الثلاثاء"],
    &["wednesday*", "mittwoch*", "mercredi*", "miércoles", "周三", "星期三", "水曜", "الأربعاء"],
    &["thursday*", "donnerstag*", "jeudi*", "jueves", "周四", "星期四", "木曜", "الخميس"],
    &["friday*", "freitag*", "vendredi*", "viernes", "周五", "星期五", "金曜", "الجمعة"],
    &["saturday*", "samstag*", "sonnabend*", "samedi*", "sábado*", "周六", "星期六", "土曜", "السبت"],
];
const WEEKDAYS: &[&str] = &[
    "weekday*",
    "working day*",
    "workday*",
    "werktag*",
    "wochentag*",
    "jours ouvrables",
    "jours ouvrés",
    "en semaine",
    "días laborables",
    "entre semana",
    "工作日",
    "平日",
    "أيام العمل",
];
const WEEKENDS: &[&str] =
    &["weekend*", "wochenende*", "week-end*", "fin de semana", "fines de semana", "周末", "週末"];
const DAILY: &[&str] = &[
    "every day",
    "daily",
    "each day",
    "every morning",
    "every night",
    "every evening",
    "nightly",
    "jeden tag",
    "täglich",
    "jeden morgen",
    "jeden abend",
    "tous les jours",
    "chaque jour",
    "quotidien*",
    "cada día",
    "todos los días",
    "diario",
    "diariamente",
    "每天",
    "每日",
    "毎日",
    "كل يوم",
    "يوميا",
];
const HOURLY: &[&str] = &[
    "every hour",
    "hourly",
    "each hour",
    "stündlich",
    "jede stunde",
    "toutes les heures",
    "chaque heure",
    "cada hora",
    "每小时",
    "毎時",
    "كل ساعة",
];
const MINUTELY: &[&str] = &[
    "every minute",
    "each minute",
    "jede minute",
    "chaque minute",
    "toutes les minutes",
    "cada minuto",
    "每分钟",
    "毎分",
    "كل دقيقة",
];
const WEEKLY: &[&str] = &[
    "every week",
    "weekly",
    "wöchentlich",
    "jede woche",
    "chaque semaine",
    "cada semana",
    "每周",
    "毎週",
    "كل أسبوع",
];
const MONTHLY: &[&str] = &[
    "every month",
    "each month",
    "monthly",
    "of the month",
    "monatlich",
    "jeden monat",
    "des monats",
    "chaque mois",
    "tous les mois",
    "du mois",
    "cada mes",
    "del mes",
    "每月",
    "每个月",
    "毎月",
    "كل شهر",
];
const YEARLY: &[&str] = &[
    "every year",
    "yearly",
    "annually",
    "jährlich",
    "jedes jahr",
    "chaque année",
    "tous les ans",
    "cada año",
    "每年",
    "毎年",
    "كل سنة",
];

static STEP: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)(?:every|each|alle|toutes les|tous les|cada|每隔?|كل)\s*(\d{1,2})\s*(minutes?|mins?|minuten|minutos?|分钟|دقائق|دقيقة|hours?|hrs?|stunden|heures|horas|小时|ساعات|days?|tage|jours|días|天)|(\d{1,2})\s*(分|時間)(?:ごと|おき|毎)")
        .expect("a constant pattern")
});
/// From the most telling to the least: 6:30 am, 9 Uhr, 9時, "at 9". Groups: hour, minute, half of the day.
static CLOCKS: LazyLock<[Regex; 4]> = LazyLock::new(|| {
    [
        r"(?i)\b(?<hour>\d{1,2})\s*[:.h]\s*(?<minute>\d{2})(?:\s*(?<half>[ap]\.?m))?",
        r"(?i)\b(?<hour>\d{1,2})\s*(?:(?<half>[ap]\.?m)|uhr|h\b|o'clock)",
        r"(?<hour>\d{1,2})\s*[時点點](?:(?<minute>\d{1,2})\s*分)?",
        r"(?i)\b(?:at|um|à|a las|a la|الساعة)\s+(?<hour>\d{1,2})\b",
    ]
    .map(|pattern| Regex::new(pattern).expect("a constant pattern"))
});
static DAY_OF_MONTH: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\b(\d{1,2})(?:st|nd|rd|th)\b|\b(?:am|den|le|el día|el|day)\s+(\d{1,2})\b|(\d{1,2})\s*[日号號]",
    )
    .expect("a constant pattern")
});

/// The cron expression the words mean; none when they mean no schedule, or one that cron cannot say.
pub(super) fn cron(text: &str) -> Option<String> {
    if let Some(step) = step(text) {
        return Some(step);
    }
    let (hour, minute) = clock(text).unwrap_or((0, 0));
    let timed = clock(text).is_some();
    let days: Vec<String> =
        (0..7).filter(|day| has_any(text, DAYS[*day])).map(|day| day.to_string()).collect();
    if has_any(text, WEEKDAYS) {
        Some(format!("{minute} {hour} * * 1-5"))
    } else if has_any(text, WEEKENDS) {
        Some(format!("{minute} {hour} * * 0,6"))
    } else if !days.is_empty() {
        Some(format!("{minute} {hour} * * {}", days.join(",")))
    } else if has_any(text, MONTHLY) {
        Some(format!("{minute} {hour} {} * *", day_of_month(text)))
    } else if has_any(text, DAILY) {
        let hour = if timed { hour } else { part_of_day(text) };
        Some(format!("{minute} {hour} * * *"))
    } else if has_any(text, MINUTELY) {
        Some("* * * * *".to_owned())
    } else if has_any(text, HOURLY) {
        Some("0 * * * *".to_owned())
    } else if has_any(text, WEEKLY) {
        Some(format!("{minute} {hour} * * 1"))
    } else if has_any(text, YEARLY) {
        Some(format!("{minute} {hour} 1 1 *"))
    } else {
        None
    }
}

fn step(text: &str) -> Option<String> {
    let found = STEP.captures(text)?;
    let count: u32 = found.get(1).or(found.get(3))?.as_str().parse().ok()?;
    let unit = found.get(2).or(found.get(4))?.as_str().to_lowercase();
    let begins = |stems: &[&str]| stems.iter().any(|stem| unit.starts_with(stem));
    let (most, expression) = if unit != "時間" && begins(&["min", "分", "دق"]) {
        (59, format!("*/{count} * * * *"))
    } else if begins(&["h", "stunde", "小时", "時間", "ساع"]) {
        (23, format!("0 */{count} * * *"))
    } else {
        (31, format!("0 0 */{count} * *"))
    };
    (1..=most).contains(&count).then_some(expression)
}

fn clock(text: &str) -> Option<(u32, u32)> {
    if has_any(text, &["midnight", "mitternacht", "minuit", "medianoche", "午夜", "منتصف الليل"])
    {
        return Some((0, 0));
    }
    if has_any(text, &["noon", "mittags", "midi", "mediodía", "正午"]) {
        return Some((12, 0));
    }
    let found = CLOCKS.iter().find_map(|clock| clock.captures(text))?;
    let number = |name: &str| found.name(name).and_then(|digits| digits.as_str().parse::<u32>().ok());
    let (hour, minute) = (number("hour")?, number("minute").unwrap_or(0));
    let half = found.name("half").map(|half| half.as_str().to_lowercase()).unwrap_or_default();
    let hour = match half.chars().next() {
        Some('p') if hour < 12 => hour + 12,
        Some('a') if hour == 12 => 0,
        _ => hour,
    };
    (hour < 24 && minute < 60).then_some((hour, minute))
}

fn part_of_day(text: &str) -> u32 {
    if has_any(text, &["morning", "morgen", "matin", "mañana"]) {
        8
    } else if has_any(text, &["evening", "abend", "soir"]) {
        18
    } else {
        0
    }
}

fn day_of_month(text: &str) -> String {
    if has_any(text, &["last day", "letzten tag", "dernier jour", "último día", "最后一天", "末日"]) {
        return "L".to_owned();
    }
    let found = DAY_OF_MONTH.captures(text);
    let day = found.and_then(|found| {
        found.iter().skip(1).flatten().next().and_then(|day| day.as_str().parse::<u32>().ok())
    });
    day.filter(|day| (1..=31).contains(day)).unwrap_or(1).to_string()
}
