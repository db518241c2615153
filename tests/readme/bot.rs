bot::from_fn(|message| async move {
        match message.text.as_str() {
            "Pricing" => Ok(Reply::say("Have a look").goto("https://example.com/pricing")),
            "Human" => Ok(Reply::say("One moment").to_human()),
            text => Ok(Reply::say(format!("{text}?")).button("Pricing").button("Human")),
        }
    })
    .greeting("Hello! What is it about?")
