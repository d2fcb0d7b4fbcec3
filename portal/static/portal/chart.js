// Read-out of a chart by pointer, touch and arrow keys. The table below the chart is
// the only source; without this file chart, text and table are complete.
(function () {
  "use strict";
  const STEPS = { ArrowRight: 1, ArrowLeft: -1, PageDown: 8, PageUp: -8 };

  function attach(box) {
    const table = document.getElementById(box.dataset.chart);
    const plot = box.querySelector("svg.plot");
    const out = box.querySelector(".readout");
    if (!table || !plot || !out) return;
    const slots = Number(box.dataset.slots);
    const first = Number(box.dataset.first);
    const heads = Array.from(table.tHead.rows[0].cells, function (cell) {
      return cell.firstChild.textContent.trim();
    });
    const rows = Array.from(table.tBodies[0].rows);
    const cursor = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    cursor.setAttribute("class", "cursor");
    cursor.setAttribute("y", "0");
    cursor.setAttribute("height", "100%");
    cursor.setAttribute("width", 100 / slots + "%");
    plot.append(cursor);
    let at = rows.length - 1;

    function add(tag, text, parent) {
      const element = document.createElement(tag);
      element.textContent = text;
      (parent || out).append(element);
      return element;
    }

    function show(index) {
      at = Math.max(0, Math.min(rows.length - 1, index));
      cursor.setAttribute("x", ((at + first) / slots) * 100 + "%");
      out.replaceChildren();
      const cells = Array.from(rows[at].cells, function (cell) {
        return cell.textContent.trim();
      });
      add("b", cells[0]);
      for (let k = 1; k < cells.length - 1; k += 1) {
        const part = add("span", heads[k] + ": ");
        add("b", cells[k] + " " + box.dataset.unit, part);
      }
      add("span", cells[cells.length - 1]).className = "muted";
    }

    out.hidden = false;
    plot.addEventListener("pointermove", function (event) {
      const place = plot.getBoundingClientRect();
      const share = (event.clientX - place.left) / place.width;
      show(Math.floor(share * slots) - first);
    });
    box.tabIndex = 0;
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", box.dataset.label);
    box.addEventListener("keydown", function (event) {
      if (event.key in STEPS) show(at + STEPS[event.key]);
      else if (event.key === "Home") show(0);
      else if (event.key === "End") show(rows.length - 1);
      else return;
      event.preventDefault();
    });
    show(at);
  }

  document.querySelectorAll("[data-chart]").forEach(attach);
})();
