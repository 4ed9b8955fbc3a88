"use strict";
(function () {
  const root = document.documentElement;
  function show(language) {
    root.dataset.show = language;
    root.lang = language;
  }
  const first = (navigator.languages && navigator.languages[0]) || navigator.language || "en";
  show(first.toLowerCase().startsWith("zh") ? "zh" : "en");
  document.getElementById("language").addEventListener("click", function () {
    show(root.dataset.show === "zh" ? "en" : "zh");
  });
})();
