/*
 * Draws the document of all calls with Swagger UI, in the colours that the page has.
 */
"use strict";

(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");

  const colour = () => {
    const { theme } = root.dataset;
    root.classList.toggle("dark-mode", theme === "dark" || (theme !== "light" && dark.matches));
  };

  colour();
  dark.addEventListener("change", colour);

  // Named in full: of itself it would take other documents from the address, and look for one elsewhere.
  window.SwaggerUIBundle({
    domNode: document.getElementById("docs"),
    url: document.getElementById("docs").dataset.document,
    deepLinking: true,
    defaultModelsExpandDepth: 0,
    docExpansion: "list",
    persistAuthorization: false,
    queryConfigEnabled: false,
    validatorUrl: null,
    withCredentials: false,
  });
})();
