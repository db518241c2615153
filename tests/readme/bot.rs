bot::from_fn(|message| async move {
        match message.text.as_str() {
            "Pricing" => {
                let pricing = "https://example.com/pricing";
                Ok(Reply::say("Have a look").goto(pricing))
            }
            "Human" => Ok(Reply::say("One moment").to_human()),
            text => {
                let question = Reply::say(format!("{text}?"));
                Ok(question.button("Pricing").button("Human"))
            }
        }
    })
    .greeting("Hello! What is it about?")
