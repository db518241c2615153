"""Validates values: {"schemas": {name: schema}, "cases": [[name, value]]} on stdin."""

import json
import sys

from jsonschema import Draft202012Validator

asked = json.load(sys.stdin)
validators = {}
for name, schema in asked["schemas"].items():
    Draft202012Validator.check_schema(schema)
    validators[name] = Draft202012Validator(schema)
json.dump([validators[name].is_valid(value) for name, value in asked["cases"]], sys.stdout)
