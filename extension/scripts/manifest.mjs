// What each browser is told of the extension. Everything that needs an answer of the user is asked for when it is needed.

/** The manifest for `target`: "chrome" (Edge and Brave too) or "firefox". */
export function manifest(target, version) {
  return {
    manifest_version: 3,
    name: "__MSG_name__",
    description: "__MSG_description__",
    version,
    default_locale: "en",
    icons: Object.fromEntries([16, 32, 48, 128].map((size) => [size, `icons/${size}.png`])),
    action: { default_popup: "popup.html", default_title: "__MSG_name__" },
    permissions: ["activeTab", "alarms", "contextMenus", "cookies", "scripting", "storage"],
    optional_host_permissions: ["*://*/*"],
    // Firefox would turn http into https by itself, and a household's server may have no certificate.
    content_security_policy: {
      extension_pages: "default-src 'self'; object-src 'none'; connect-src http: https:; img-src 'self'",
    },
    // In private windows are other sign-ins than the ones that were turned on.
    incognito: "not_allowed",
    ...(target === "firefox" ? firefox : chrome),
  };
}

const chrome = {
  minimum_chrome_version: "130",
  background: { service_worker: "background.js", type: "module" },
};

const firefox = {
  background: { scripts: ["background.js"], type: "module" },
  browser_specific_settings: {
    gecko: {
      id: "watch-together@watch-together.invalid",
      strict_min_version: "142.0",
      data_collection_permissions: { required: ["authenticationInfo"] },
    },
    gecko_android: { strict_min_version: "142.0" },
  },
};
