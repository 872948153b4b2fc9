use super::*;

fn named(text: &str) -> Vec<String> {
    find_mentions(text).into_iter().map(|mention| mention.name).collect()
}

#[test]
fn a_mention_is_said_to_somebody() {
    for (what, text) in [
        ("at the beginning", "@money what is it worth?"),
        ("alone", "@money"),
        ("after a greeting", "hey @money, what is it worth?"),
        ("at the end", "what is it worth, @money?"),
        ("before a full stop", "Ask @money. Then go."),
        ("before a colon", "@money: what is it worth"),
        ("before a dash", "@money - what is it worth"),
        ("in brackets", "What is it worth (@money)?"),
        ("in bold", "**@money** what is it worth"),
        ("with another's case", "@Money hello there"),
        ("of full width", "＠money what is it worth"),
        ("after a script without spaces", "请@money 换算"),
        ("before a script without spaces", "@money换算"),
        ("after a comma of full width", "你好，@money 换算"),
        ("behind a mark of direction", "\u{202e}@money 5 euro"),
        ("between isolates", "\u{2066}@money\u{2069} 5 euro"),
        ("after a comma without a space", "hey,@money what is it worth"),
        ("with a genitive", "what is @money's rate"),
        ("on the first line alone", "@money\nwhat is it worth?"),
        ("below a quote", "> earlier words\n@money what is it worth?"),
        ("below a paragraph", "Some words.\n\n@money what is it worth?"),
        ("before a list", "@money [3, 5, 7] what is the mean?"),
        ("before an object", "@money {\"a\": 1} is this valid?"),
        ("before a bracket", "@money (Rome) what is it worth?"),
        ("below a comment", "# notes\n@money what is it worth?"),
        ("after a comment with an end", "/* x */ @money what is it worth?"),
        ("after a path with a star", "in src/* @money finds what?"),
        ("after a channel", "#general @money what is it worth?"),
        ("after an address", "https://a.example @money what is it worth?"),
        ("as an item of a list", "- @money what is it worth?"),
        ("indented as a whole", "    @money what is it worth?"),
    ] {
        assert_eq!(named(text), ["money"], "{what}");
    }
}

#[test]
fn what_else_begins_with_a_sign_is_text() {
    for (what, text) in [
        ("a mail address", "write to ann@money"),
        ("a mail address of a host", "write to ann@money.example"),
        ("a package", "`npm i` fails for @money/core"),
        ("a package at the beginning", "@money/core does not compile, review it"),
        ("a decorator with arguments", "Why does this fail?\n@money('/x')\ndef x(): pass"),
        ("a decorator with a member", "Why does this fail?\n@money.route('/x')\ndef x(): pass"),
        ("a decorator alone on its line", "Why does this fail?\n@money\ndef x(): pass"),
        ("a rule of a style sheet", "@money{color: red}"),
        ("an assignment", "set @money = 3 and go on"),
        ("a file's option", "@money=3"),
        ("escaped", "\\@money is written so"),
        ("a quoted line", "> @money what is it worth?\n\nI do not think so."),
        ("fenced", "see\n```\n@money x\n```"),
        ("fenced with tildes", "see\n~~~\n@money x\n~~~"),
        ("in pre", "see <pre>@money x</pre>"),
        ("in a diff", "review\n@@ -1 +1 @@\n+@money x"),
        ("in backticks", "what is `@money`"),
        ("between quotation marks", "translate \"@money is down\""),
        ("indented below a gap", "review:\n\n    @money x"),
        ("a command's argument", "curl -d@money x"),
        ("a revision", "git show HEAD@{1} and @{u}"),
        ("a user of a host", "ssh://root:@money:22/x"),
        ("a handle with an underscore", "@money_maker wrote this"),
        ("a letter of another script", "@mоney wрites"),
        ("with a combining mark", "@money\u{301} x"),
        ("twice the sign", "@@money rows"),
        ("a path", "@../../money and @/etc/money"),
        ("in a pasted letter", "Translate the letter:\n\nDear @money, please come."),
        ("a comment", "// @money\nint main(){ gets(buf); }"),
        ("a comment of a script", "# @money TODO\nimport os"),
        ("a comment of a query", "-- @money\nselect 1"),
        ("a comment of documentation", "/// @money x\nfn x() {}"),
        ("a comment with an end", "/* @money */ body{} review"),
        ("a comment of several lines", "/*\n * @money x\n */\nbody{} review"),
        ("a comment that nothing closes", "/* @money x"),
        ("a comment of a page", "<!-- @money --> review <b>x</b>"),
        ("a comment behind code", "x = 1 # @money look"),
        ("a comment behind a statement", "f(); // @money look"),
        ("a row of a table", "| @money | 3 |"),
        ("a key of a feed", "{\"@money\": 1}"),
    ] {
        assert!(named(text).iter().all(|name| name != "money"), "{what}: {:?}", named(text));
    }
}

#[test]
fn people_are_named_by_their_id_or_the_name_before_their_host() {
    let people: Vec<UserId> =
        ["bob", "ann.lee@corp.example", "auth0|7"].into_iter().map(|id| id.parse().unwrap()).collect();
    let money = Roster::new(1, Vec::new());
    for (text, expected) in [
        ("@bob can you look?", Addressee::People),
        ("can you look, @Bob?", Addressee::People),
        ("@ann.lee can you look?", Addressee::People),
        ("@ann.lee@corp.example can you look?", Addressee::People),
        ("@auth0|7 look", Addressee::People),
        ("@bobby look", Addressee::Anybody),
        ("bob@ann.example wrote", Addressee::Anybody),
        ("> @bob said\n\nis that so?", Addressee::Anybody),
        ("what does `@bob` do?", Addressee::Anybody),
        ("@switchboard what is it worth?", Addressee::Us),
        ("Switchboard, what is it worth?", Addressee::Us),
        (" switchboard: what does @bob say?", Addressee::Us),
        ("SWITCHBOARD — what is it worth?", Addressee::Us),
        ("Switchboard - what is it worth?", Addressee::Us),
        ("Switchboard，你好", Addressee::Us),
        ("Switchboard is slow today", Addressee::Anybody),
        ("switchboard-like things", Addressee::Anybody),
        ("switchboards, who needs them?", Addressee::Anybody),
        ("I asked Switchboard, it says no", Addressee::Anybody),
        ("sure, tomorrow", Addressee::Anybody),
    ] {
        assert_eq!(addressee(&money, text, &people), expected, "{text}");
    }
    assert_eq!(without_own_name("@switchboard, what is it worth?"), "what is it worth?");
    assert_eq!(without_own_name("@switchboard"), "@switchboard");
    assert_eq!(without_own_name("Switchboard, what is it worth?"), "what is it worth?");
    assert_eq!(without_own_name("Switchboard - what is it worth?"), "what is it worth?");
    assert_eq!(without_own_name("Switchboard,"), "Switchboard,");
    assert_eq!(without_own_name("Switchboard is slow"), "Switchboard is slow");
}

#[test]
fn a_name_within_a_sentence_belongs_to_it() {
    let id: AgentId = "money".parse().unwrap();
    for (text, rest) in [
        ("@money, what is it worth?", "what is it worth?"),
        ("@money @money: 5 euro", "5 euro"),
        ("@money … and so on", "… and so on"),
        ("Ask @money. The mean counts.", "Ask @money. The mean counts."),
        ("hey @money and @money, hello?", "hey @money and @money, hello?"),
        ("@money", "@money"),
        ("@money -5 euro", "-5 euro"),
        ("@money - 5 euro", "5 euro"),
        ("@money. And now?", "And now?"),
        ("@money .5 euro", ".5 euro"),
    ] {
        let found = find_mentions(text);
        let known: Vec<_> = found.iter().map(|mention| (mention, id.clone())).collect();
        assert_eq!(without_leading(text, &known), rest, "{text}");
    }
}

#[test]
fn whoever_names_an_agent_that_is_switched_off_is_told_and_nobody_else_is_asked() {
    let agents = crate::route::tests::agents().into_iter().filter(|agent| agent.id.as_str() != "weather");
    let roster = Roster::new(1, agents.collect()).without(vec!["weather".parse().unwrap()]);
    for text in ["@weather is it warm?", "tell me, @weather, is it warm?", "@Weather"] {
        let plan = mentioned(&roster, text, 4).unwrap();
        let says = plan.says.unwrap_or_default();
        assert!(plan.steps.is_empty() && says.starts_with("@weather is switched off."), "{text}: {says}");
        assert_eq!(addressee(&roster, text, &[]), Addressee::Us, "{text}");
    }
    let both = mentioned(&roster, "@money @weather what is it worth?", 4).unwrap();
    let asked: Vec<_> = both.steps.iter().map(|step| step.agent.as_str()).collect();
    assert_eq!((asked, both.degraded.as_deref()), (vec!["money"], Some("@weather is switched off")));
}
