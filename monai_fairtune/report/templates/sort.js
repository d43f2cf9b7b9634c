
"use strict";
(() => {
  const order = ["ascending", "descending", "none"];

  function value(row, column) {
    const cell = row.cells[column];
    const text = cell.firstChild ? cell.firstChild.textContent.trim() : "";
    if (cell.tagName === "TH" || cell.classList.contains("left")) return text.toLowerCase();
    const found = text.replace("\u2212", "-").match(/-?\d+(\.\d+)?(e-?\d+)?/);
    return found ? Number(found[0]) : null;
  }

  function compare(a, b, sign) {
    if (typeof a === "string") return sign * a.localeCompare(b, undefined, { numeric: true });
    if (a === null || b === null) return (a === null) - (b === null);
    return sign * (a - b);
  }

  function sort(table, head, rows) {
    const next = order[(order.indexOf(head.getAttribute("aria-sort") || "none") + 1) % 3];
    for (const other of table.tHead.querySelectorAll("th[aria-sort]")) other.removeAttribute("aria-sort");
    if (next !== "none") head.setAttribute("aria-sort", next);
    const sign = next === "descending" ? -1 : 1;
    const sorted = next === "none" ? rows : [...rows].sort((a, b) =>
      compare(value(a, head.cellIndex), value(b, head.cellIndex), sign));
    table.tBodies[0].append(...sorted);
  }

  for (const table of document.querySelectorAll("table")) {
    const rows = [...table.tBodies[0].rows];
    if (rows.length < 2) continue;
    for (const head of table.tHead.rows[table.tHead.rows.length - 1].cells) {
      const button = document.createElement("button");
      button.type = "button";
      button.title = "Sort by this column";
      button.append(...head.childNodes);
      button.addEventListener("click", () => sort(table, head, rows));
      head.append(button);
    }
  }

  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const part of closed) part.open = true;
  });
  addEventListener("afterprint", () => {
    for (const part of closed) part.open = false;
  });
})();
