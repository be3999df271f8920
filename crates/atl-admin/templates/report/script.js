"use strict";
(() => {
  // What is folded up would be missing on paper.
  const folded = () => [...document.querySelectorAll("details:not([open])")];
  let opened = [];
  addEventListener("beforeprint", () => { opened = folded(); opened.forEach(it => { it.open = true; }); });
  addEventListener("afterprint", () => { opened.forEach(it => { it.open = false; }); });

  const table = document.getElementById("rows");
  if (!table) return;
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const search = document.getElementById("search");
  const shown = document.getElementById("shown");
  const before = document.getElementById("before");
  const after = document.getElementById("after");
  const order = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const perPage = 100;

  const all = [...body.rows].map(row => ({
    row,
    text: row.textContent.toLowerCase(),
    cells: [...row.cells].map(cell => cell.textContent.trim()),
  }));
  let found = all;
  let sorted = { column: -1, up: true };
  let page = 0;

  const number = value => value.toLocaleString("en");

  function show() {
    const pages = Math.max(1, Math.ceil(found.length / perPage));
    page = Math.min(page, pages - 1);
    const first = page * perPage;
    const part = found.slice(first, first + perPage);
    body.replaceChildren(...part.map(it => it.row));
    const range = part.length < found.length ? `${number(first + 1)} to ${number(first + part.length)} of ` : "";
    const matching = found.length < all.length ? ` of ${number(all.length)} match` : found.length === 1 ? " grant" : " grants";
    shown.textContent = found.length === 0 ? "No grant matches" : `${range}${number(found.length)}${matching}`;
    before.disabled = page === 0;
    after.disabled = page === pages - 1;
    before.parentElement.hidden = pages === 1;
  }

  function find() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    found = all.filter(it => words.every(word => it.text.includes(word)));
    page = 0;
    show();
  }

  // What is not known comes last, whichever way it is sorted.
  function sort(column) {
    const up = sorted.column === column ? !sorted.up : true;
    sorted = { column, up };
    all.sort((one, other) => {
      const [a, b] = [one.cells[column], other.cells[column]];
      if (!a || !b) return (a ? 0 : 1) - (b ? 0 : 1);
      return up ? order.compare(a, b) : order.compare(b, a);
    });
    heads.forEach((head, index) => {
      if (index === column) head.setAttribute("aria-sort", up ? "ascending" : "descending");
      else head.removeAttribute("aria-sort");
    });
    find();
  }

  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(column));
    head.append(button);
  });
  search.addEventListener("input", find);
  before.addEventListener("click", () => { page -= 1; show(); });
  after.addEventListener("click", () => { page += 1; show(); });
  document.getElementById("tools").hidden = false;
  find();
})();
