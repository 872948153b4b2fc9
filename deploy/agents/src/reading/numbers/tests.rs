//! What people write, and what they mean.

use super::{numbers, show, subject_numbers};

/// A name, what is written, and the numbers that are meant.
type Case<'a> = (&'a str, &'a str, &'a [f64]);

fn each_is_read(cases: &[Case<'_>]) {
    for (name, text, meant) in cases {
        assert_eq!(numbers(text), *meant, "{name}: {text}");
    }
}

#[test]
fn lists_are_told_from_numbers_with_marks() {
    each_is_read(&[
        ("commas and blanks", "12, 15, 19", &[12.0, 15.0, 19.0]),
        ("commas alone", "12,15,19", &[12.0, 15.0, 19.0]),
        ("commas alone, hundreds", "100,200,300", &[100.0, 200.0, 300.0]),
        ("blanks", "Mean of these: 4 8 15", &[4.0, 8.0, 15.0]),
        ("blanks, hundreds", "100 200 300", &[100.0, 200.0, 300.0]),
        ("blanks, of mixed lengths", "5 100 20 300", &[5.0, 100.0, 20.0, 300.0]),
        ("semicolons", "3,5; 4,25; 5", &[3.5, 4.25, 5.0]),
        ("lines", "1 100\n2 200\n3 300", &[1.0, 100.0, 2.0, 200.0, 3.0, 300.0]),
        ("rows with semicolons", "50 150; 80 230", &[50.0, 150.0, 80.0, 230.0]),
        ("points", "(50 150), (80 230)", &[50.0, 150.0, 80.0, 230.0]),
        ("years and values", "2020 100, 2021 200", &[2020.0, 100.0, 2021.0, 200.0]),
        ("quoted", "'5','6'", &[5.0, 6.0]),
        ("Chinese list marks", "３、４、５", &[3.0, 4.0, 5.0]),
        ("two with a Chinese list mark", "3、5", &[3.0, 5.0]),
        ("two with an Arabic comma", "٣، ٥", &[3.0, 5.0]),
        ("two with a full-width comma", "3，5", &[3.0, 5.0]),
        ("a range", "10-20", &[10.0, 20.0]),
        ("a range with a long dash", "10–20", &[10.0, 20.0]),
        ("within words", "A4, sha256, v1.2 and 3", &[3.0]),
        ("a version is no number", "1.2.3 and 10.0.0.1", &[]),
    ]);
}

#[test]
fn thousands_and_decimals_are_read_in_the_notation_of_the_text() {
    each_is_read(&[
        ("English and continental", "1,234.5 and 1.234,5", &[1234.5, 1234.5]),
        ("English thousands", "1,250 and 30,000", &[1250.0, 30_000.0]),
        ("English millions", "1,200,000", &[1_200_000.0]),
        ("English millions with cents", "1,250,300.50", &[1_250_300.5]),
        ("continental with a fraction", "1.000,5", &[1000.5]),
        ("English with a fraction", "1,000.5", &[1000.5]),
        ("decimal commas", "12,5 14,0 9,3", &[12.5, 14.0, 9.3]),
        ("decimal commas of any length", "1,5 and 2,125", &[1.5, 2.125]),
        ("a decimal comma behind zero", "0,500", &[0.5]),
        ("dots beside decimal commas", "1.234 and 2,5", &[1234.0, 2.5]),
        ("three zeros behind a dot", "1.000", &[1000.0]),
        ("one such number speaks for all", "bei 30.000 gekauft, aktuell 2.100", &[30_000.0, 2100.0]),
        ("but not where a dot is decimal", "1.000 and 2.5", &[1.0, 2.5]),
        ("three other digits behind a dot", "3.355", &[3.355]),
        ("dots of both lengths", "2.100 and 3.5", &[2.1, 3.5]),
        ("two dots", "1.000.000", &[1_000_000.0]),
        ("Swiss", "1'000 and 2’500.50", &[1000.0, 2500.5]),
        ("feet and inches", "5'6", &[5.0, 6.0]),
        ("as in code", "1_000", &[1000.0]),
        ("Indian", "1,00,000 and 10,00,000", &[100_000.0, 1_000_000.0]),
        ("Indian money", "₹12,34,567.50", &[1_234_567.5]),
        ("blanks", "mean of 1 000, 2 000 and 6 000", &[1000.0, 2000.0, 6000.0]),
        ("blanks without other marks", "1 000 2 000 6 000", &[1000.0, 2000.0, 6000.0]),
        ("blanks, no zeros", "1 200, 2 300 and 6 450", &[1200.0, 2300.0, 6450.0]),
        ("blanks, one beside another", "1 200 und 300", &[1200.0, 300.0]),
        ("blanks and a decimal comma", "12 345,67 €, 2 100,50 €", &[12_345.67, 2100.5]),
        ("no-break spaces", "1\u{a0}234 and 6\u{a0}500", &[1234.0, 6500.0]),
        ("narrow no-break spaces", "1\u{202f}234,5", &[1234.5]),
        ("thin spaces", "1\u{2009}234\u{2009}567", &[1_234_567.0]),
        ("a no-break space before a unit", "12\u{a0}km and 2020\u{a0}100", &[12.0, 2020.0, 100.0]),
        ("numbers with leading zeros", "007 008 009", &[7.0, 8.0, 9.0]),
    ]);
}

#[test]
fn digits_signs_money_and_powers_are_read() {
    each_is_read(&[
        ("Arabic-Indic", "١٢ و ١٥٫٥", &[12.0, 15.5]),
        ("Arabic thousands", "١٬٢٣٤٫٥", &[1234.5]),
        ("Persian", "۱۲ و ۳", &[12.0, 3.0]),
        ("Devanagari", "१२ और ३.५", &[12.0, 3.5]),
        ("Bengali, Tamil and Thai", "১২ ௩ ๔", &[12.0, 3.0, 4.0]),
        ("full-width", "１２．５ と １，０００", &[12.5, 1000.0]),
        ("a minus sign", "−3 and −1.5", &[-3.0, -1.5]),
        ("a full-width minus", "－５", &[-5.0]),
        ("a hyphen", "-3 to -1.5e2", &[-3.0, -150.0]),
        ("a dash as a sign", "from –5 on", &[-5.0]),
        ("money before", "$1,000.50 and €2.000,75", &[1000.5, 2000.75]),
        ("money behind", "1.000 € and 5 %", &[1000.0, 5.0]),
        ("codes of currencies", "USD100, CHF1'000 and Rs500", &[100.0, 1000.0, 500.0]),
        ("percent", "12%, 3.5 % and ٥٪", &[12.0, 3.5, 5.0]),
        ("scientific", "1e3, 1.5E-4, 2e+2", &[1000.0, 0.000_15, 200.0]),
        ("powers of ten", "6×10^3, 2 x 10^-2 and 5·10³", &[6000.0, 0.02, 5000.0]),
        ("times ten is two numbers", "3 x 10", &[3.0, 10.0]),
        ("short thousands", "45k and 3万 and 2亿", &[45_000.0, 30_000.0, 200_000_000.0]),
        ("a bare fraction", ".5 and -.25", &[0.5, -0.25]),
    ]);
}

#[test]
fn the_lead_in_is_not_counted() {
    assert_eq!(subject_numbers("Mean of these 3 values: 1 2 3"), [1.0, 2.0, 3.0]);
    assert_eq!(subject_numbers("Sum of 2 values: 1 000 and 2 000"), [1000.0, 2000.0]);
    assert_eq!(show(1234.5), "1234.5");
    assert_eq!(show(-0.0), "0");
}
