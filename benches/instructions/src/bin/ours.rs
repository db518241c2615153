//! This crate, with all its limits and deadlines.

use snapengage::bot::Reply;
use snapengage::{Auth, Receiver, Token, bot, contact, integration, serve};
use snapengage_instructions::baseline::{CONTACT, TOKEN};
use snapengage_instructions::run;

fn main() {
    let receiver = Receiver::builder()
        .bot(
            "/bot",
            Token::new(TOKEN),
            bot::from_fn(|message| async move { Ok(Reply::say(message.text)) }),
        )
        .integration(
            "/integration",
            Token::new(TOKEN),
            integration::from_fn(|request| async move {
                std::hint::black_box(request);
                Ok(())
            }),
        )
        .contact(
            "/get-contact",
            Auth::dangerously_open(),
            contact::from_fn(|query| async move {
                std::hint::black_box(query);
                Ok(Some(CONTACT.to_owned()))
            }),
        )
        .build()
        .expect("good paths and tokens");
    run(|listener| serve(listener, receiver, std::future::pending()));
}
