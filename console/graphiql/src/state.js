// What the page remembers, and what a link to it says.

const NAME = "penstock:api-key";

/// The key, for as long as the tab is open and no longer.
export const keptKey = {
  read: () => sessionStorage.getItem(NAME) ?? "",
  write: (key) => (key ? sessionStorage.setItem(NAME, key) : sessionStorage.removeItem(NAME)),
};

/// `/graphql#query=...&variables=...`: fills the editor and runs nothing. It is not sent to the server, where
/// `/graphql?query=...` is an operation to run.
export function linkedOperation() {
  const parts = new URLSearchParams(location.hash.slice(1));
  return { query: parts.get("query") ?? undefined, variables: parts.get("variables") ?? undefined };
}

/// The theme that was chosen in GraphiQL's settings, for what is shown before it.
export function showChosenTheme() {
  const theme = localStorage.getItem("graphiql:theme");
  if (theme === "light" || theme === "dark") document.body.classList.add(`graphiql-${theme}`);
}
