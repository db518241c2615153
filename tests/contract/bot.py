"""Bot in twenty lines; the contract checks what it is sent, and what it says."""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from jsonschema import Draft202012Validator

bot = json.load(open(sys.argv[1]))
event = Draft202012Validator({**bot, "anyOf": [{"$ref": "#/$defs/BotEvent"}]})
reply = Draft202012Validator({**bot, "anyOf": [{"$ref": "#/$defs/Reply"}]})


class Bot(BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        event.validate(asked)
        text = "Python heard: " + (asked.get("text") or asked["event"])
        content = {"type": "message", "text": text, "display_responses": [{"text": "Human"}]}
        if asked.get("text") == "Human":
            content = {"type": "command", "operation": "HUMAN_TRANSFER"}
        said = {"widget_id": asked["widget_id"], "case_id": asked["case_id"], "content": [content]}
        reply.validate(said)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(said).encode())

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Bot)
print(server.server_port, flush=True)
server.serve_forever()
