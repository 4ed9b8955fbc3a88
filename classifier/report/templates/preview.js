(function () {
  const card = document.querySelector("[data-preview]");
  const { steps, asked, images } = JSON.parse(card.dataset.preview);
  const slider = document.getElementById("setting");
  const back = document.getElementById("asked");
  const rows = [...document.querySelectorAll("#categories tr[data-all]")];
  const samples = [...document.querySelectorAll("figure[data-confidence]")];
  const most = Number(document.querySelector("#categories")?.dataset.most ?? 1);
  const fixed = rows.reduce((sum, row) => sum + Number(row.dataset.all), 0);

  function percent(share) {
    if (!Number.isFinite(share)) return "–";
    const digits = share >= 0.0995 && share <= 0.9795 ? 0 : 1;
    return (100 * share).toFixed(digits).replace(/\.0$/, "") + "%";
  }

  function set(name, text) {
    card.querySelector(`[data-number="${name}"]`).textContent = text;
  }

  function showTable(step) {
    rows.forEach((row, index) => {
      const filed = step.by_category[index];
      row.querySelector("svg rect:last-child").setAttribute("width", (100 * filed) / most);
      row.cells[2].textContent = filed.toLocaleString("en");
      row.cells[3].textContent = (Number(row.dataset.all) - filed).toLocaleString("en");
    });
  }

  function showSamples(step, index) {
    for (const sample of samples) {
      const isOpen = index !== asked && !sample.dataset.fixed;
      const isFiled = isOpen ? Number(sample.dataset.confidence) >= step.threshold : sample.dataset.filed === "1";
      sample.classList.toggle("waits", !isFiled);
    }
  }

  function show() {
    const index = Number(slider.value);
    const step = steps[index];
    set("share", percent(step.filed / images));
    set("filed", step.filed.toLocaleString("en"));
    set("wrong_share", percent(step.wrong / step.filed));
    set("wrong", step.wrong.toLocaleString("en", { maximumFractionDigits: 0 }));
    set("waiting", (fixed - step.filed).toLocaleString("en"));
    document.getElementById("threshold").textContent = step.threshold === null ? "–" : Number(step.threshold.toPrecision(4));
    document.getElementById("command").textContent = step.command;
    for (const words of card.querySelectorAll(".as-asked")) words.hidden = index !== asked;
    back.disabled = index === asked;
    showTable(step);
    showSamples(step, index);
  }

  slider.addEventListener("input", show);
  back.addEventListener("click", () => {
    slider.value = asked;
    show();
  });
  slider.value = asked;
  show();
})();
