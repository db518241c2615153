// Makes types of each schema in a folder.
const fs = require("fs");
const path = require("path");
const { compile } = require("json-schema-to-typescript");

const folder = process.argv[2];
const made = fs.readdirSync(folder).filter((name) => name.endsWith(".json")).map(async (name) => {
    const schema = JSON.parse(fs.readFileSync(path.join(folder, name), "utf8"));
    const options = { unreachableDefinitions: true, format: false, bannerComment: "" };
    const types = await compile(schema, "Payload", options);
    fs.writeFileSync(path.join(folder, name.replace(".json", ".ts")), types);
});
Promise.all(made).catch((error) => {
    console.error(error);
    process.exit(1);
});
