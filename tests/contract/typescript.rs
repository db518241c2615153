//! Types that a generator makes of the schemas, and TypeScript that uses them.

use std::fs;
use std::process::Command;

use snapengage::contract::{Contract, ContractApi, ContractReading};

use crate::tools::{installed, root, text};

/// Bot in TypeScript, by the generated types; a name that is wrong would not compile.
const BOT: &str = r#"
import type { BotEvent, Reply } from "./bot";
import type { HubEvent } from "./hub";
import type { SupportRequest } from "./integration";

export function answer(event: BotEvent, widget_id: string, case_id: string): Reply {
    const text = event.event === "message" ? event.text : undefined;
    return {
        widget_id,
        case_id,
        content: [
            { type: "message", text: `You said ${text}`, display_responses: [{ text: "Bye" }] },
            { type: "command", operation: "GOTO", parameters: "https://example.com/" },
        ],
    };
}

export function lines(request: SupportRequest): string[] {
    return (request.transcripts ?? []).map((line) => `${line.alias}: ${line.message}`);
}

export function conversation(event: HubEvent): string {
    return event.conversationId;
}

// @ts-expect-error: content is required
export const nothing: Reply = { widget_id: "w", case_id: "c" };
"#;

#[test]
fn generated_types_compile() {
    let folder = root().join("target/contract/typescript");
    fs::create_dir_all(&folder).expect("a folder");
    for api in ContractApi::ALL {
        let schema = Contract::of([api]).reading(ContractReading::Documented).json_schema();
        fs::write(folder.join(format!("{api}.json")), schema.to_string()).expect("a file");
    }
    fs::write(folder.join("answer.ts"), BOT).expect("a file");
    let generator = root().join("tests/contract/generate.cjs");
    let modules = installed("npm/node_modules");
    let mut node = Command::new("node");
    node.arg(generator).arg(&folder).env("NODE_PATH", &modules);
    text(&node.output().expect("node"));
    let mut tsc = Command::new("node");
    tsc.arg(installed("npm/node_modules/typescript/lib/tsc.js"));
    tsc.args(["--noEmit", "--strict", "--target", "es2022", "--moduleResolution", "bundler"]);
    tsc.args(["--module", "esnext"]).arg("answer.ts").current_dir(&folder);
    tsc.args(ContractApi::ALL.map(|api| format!("{api}.ts")));
    text(&tsc.output().expect("tsc"));
}
