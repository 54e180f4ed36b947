// Shows the document that the page names. What is tried goes to the server that the page came from.
const place = document.getElementById("api");
SwaggerUIBundle({
  url: place.dataset.document,
  domNode: place,
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  docExpansion: "list",
  filter: true,
  persistAuthorization: false,
  supportedSubmitMethods: place.dataset.canTry === "yes"
    ? ["get", "head", "put", "post", "delete", "patch", "options"]
    : [],
  // asks no validator elsewhere
  validatorUrl: null,
});
