// Tables that are sorted by their headings, by mouse and by keyboard. Numbers begin with the largest, names with A; a third
// press brings the first order back. Rows of totals stay last.

const compared = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

const key = (row, column) => {
  const cell = row.cells[column];
  const order = cell?.dataset.order;
  return order === undefined ? (cell?.textContent ?? "") : Number(order);
};

const sort = (table, column, direction) => {
  const body = table.tBodies[0];
  const rows = [...body.rows].sort((a, b) => a.dataset.place - b.dataset.place);
  const [moving, last] = [rows.filter((row) => !row.matches(".is-sum")), rows.filter((row) => row.matches(".is-sum"))];
  if (direction !== "none") {
    const sign = direction === "descending" ? -1 : 1;
    moving.sort((a, b) => sign * compared(key(a, column), key(b, column)));
  }
  body.append(...moving, ...last);
};

const heading = (table, th, column) => {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "sort";
  button.append(...th.childNodes);
  th.append(button);
  th.setAttribute("aria-sort", "none");
  const [first, second] = th.matches(".is-text") ? ["ascending", "descending"] : ["descending", "ascending"];
  button.addEventListener("click", () => {
    const now = { none: first, [first]: second, [second]: "none" }[th.getAttribute("aria-sort")];
    for (const other of th.parentElement.cells) other.setAttribute("aria-sort", "none");
    th.setAttribute("aria-sort", now);
    sort(table, column, now);
  });
};

export const sortable = (root) => {
  for (const table of root.querySelectorAll("table[data-sortable]")) {
    [...table.tBodies[0].rows].forEach((row, place) => (row.dataset.place = place));
    [...table.tHead.rows[0].cells].forEach((th, column) => heading(table, th, column));
  }
};
