// Shows /api/openapi.json as a list of operations. Everything is set as text, never as markup.
"use strict";

function element(tag, text, ...children) {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  made.append(...children);
  return made;
}

function resolved(schema, all) {
  while (schema && schema.$ref) schema = all.components.schemas[schema.$ref.split("/").pop()];
  return schema || {};
}

function kind(schema, all) {
  if (schema.$ref) {
    const inner = resolved(schema, all);
    return inner.properties ? "object" : kind(inner, all);
  }
  if (schema.anyOf) return schema.anyOf.map((part) => kind(part, all)).join(" or ");
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(", ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.type === "array") return "list of " + kind(schema.items || {}, all);
  return (schema.type || "any") + (schema.format ? " (" + schema.format + ")" : "");
}

function table(title, rows) {
  if (!rows.length) return "";
  const head = element("tr", "", element("th", "name"), element("th", "kind"), element("th", "meaning"));
  const body = rows.map(([name, type, meaning]) =>
    element("tr", "", element("td", "", element("code", name)), element("td", type), element("td", meaning)));
  const made = element("table", "", element("thead", "", head), element("tbody", "", ...body));
  const box = element("div", "", made);
  box.className = "table";
  return element("div", "", element("h3", title), box);
}

function fields(schema, all) {
  const object = resolved(schema, all);
  const needed = new Set(object.required || []);
  return Object.entries(object.properties || {}).map(([name, field]) => {
    const notes = [needed.has(name) ? "Required." : "", field.description || resolved(field, all).description || ""];
    if (field.default !== undefined) notes.push("Default: " + JSON.stringify(field.default) + ".");
    return [name, kind(field, all), notes.filter(Boolean).join(" ")];
  });
}

function json(holder) {
  return ((holder && holder.content && holder.content["application/json"]) || {}).schema;
}

function operation(path, method, what, all) {
  const name = element("span", method.toUpperCase());
  name.className = "method";
  const told = element("span", " " + (what.summary || ""));
  told.className = "what";
  const made = element("details", "", element("summary", "", name, element("code", path), told));
  const given = (what.parameters || []).map((each) =>
    [each.name, kind(each.schema || {}, all), [each.in === "path" ? "In the path." : "", each.description || (each.schema || {}).description || ""].filter(Boolean).join(" ")]);
  made.append(table("Parameters", given));
  const body = json(what.requestBody);
  if (body) {
    const inner = body.anyOf ? body.anyOf.find((part) => part.$ref) || body : body;
    made.append(table("Body", fields(inner, all)));
  }
  for (const [status, answer] of Object.entries(what.responses || {})) {
    const schema = json(answer);
    if (schema && status !== "4XX") made.append(table("Answer " + status, fields(schema, all)));
    else if (status === "204") made.append(element("p", "Answer 204, without a body."));
  }
  return made;
}

async function show() {
  const all = await (await fetch("/api/openapi.json")).json();
  document.getElementById("about").textContent = all.info.description.replaceAll("`", "");
  for (const place of document.querySelectorAll(".base")) place.textContent = location.origin;
  const sections = new Map();
  for (const [path, operations] of Object.entries(all.paths)) {
    for (const [method, what] of Object.entries(operations)) {
      const tag = (what.tags || ["other"])[0];
      if (!sections.has(tag)) sections.set(tag, []);
      sections.get(tag).push(operation(path, method, what, all));
    }
  }
  const list = document.getElementById("operations");
  list.textContent = "";
  for (const [tag, operations] of sections) {
    const title = element("h2", tag);
    title.id = tag;
    list.append(title, ...operations);
    const link = element("a", tag);
    link.href = "#" + tag;
    document.getElementById("contents").append(link);
  }
}

show().catch(() => { document.getElementById("operations").textContent = "The description could not be loaded."; });
