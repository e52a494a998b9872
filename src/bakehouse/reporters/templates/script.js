// Conveniences only: without scripts nothing is missing.
"use strict";
const all = () => document.querySelectorAll("details");

// A link to something inside a folded part opens the part.
const reveal = () => {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let part = target; part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
};
addEventListener("hashchange", reveal);
reveal();

// Paper cannot be unfolded.
addEventListener("beforeprint", () => all().forEach((part) => { part.dataset.was = part.open; part.open = true; }));
addEventListener("afterprint", () => all().forEach((part) => { part.open = part.dataset.was === "true"; }));

const list = document.querySelector("nav ul");
if (list && all().length) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Unfold all";
  let isOpen = false;
  button.addEventListener("click", () => {
    isOpen = !isOpen;
    all().forEach((part) => { part.open = isOpen; });
    button.textContent = isOpen ? "Fold all" : "Unfold all";
  });
  item.append(button);
  list.append(item);
}
