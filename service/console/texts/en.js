// All words of the console, in English. One block for what pages share, then a block for each page.

export default {
  common: {
    cancel: "Cancel",
    close: "Close",
    save: "Save",
    create: "Create",
    remove: "Remove",
    undo: "Undo",
    retry: "Try again",
    loading: "Loading",
    none: "None",
    unnamed: "No name",
    faces: { one: "{count} face", other: "{count} faces" },
    people: { one: "{count} person", other: "{count} people" },
  },

  nav: {
    main: "Main",
    skip: "Skip to the content",
    menu: "Menu",
    gallery: "Gallery",
    no_gallery: "No gallery yet",
    this_gallery: "This gallery",
    server: "Server",
    api: "API documentation",
    sign_out: "Sign out",
    signed_in_as: "Signed in as {name}",
    open: "Anyone on this machine",
  },

  titles: {
    home: "Home",
    try: "Try it",
    galleries: "Galleries",
    gallery: "Settings",
    identify: "Identify",
    verify: "Verify",
    people: "People",
    person: "Person",
    reviews: "Reviews",
    imports: "Import",
    import: "Import",
    models: "Model",
    reindex: "Change of model",
    operations: "Operations",
    access: "Access",
    audit: "Audit",
    event: "Audit event",
    "sign-in": "Sign in",
    "not-allowed": "Not allowed",
    "not-found": "Page not found",
  },

  // By the error code of the API; `{names}` are fields of the answer.
  problems: {
    offline: "The server does not answer. Check that it runs and that you are connected.",
    unexpected: "This did not work, and the page does not know why. Reload it.",
    request_id: "Request {id}",
    gallery_not_found: "There is no gallery of this name, or your key may not see it.",
    gallery_exists: "There is a gallery of this name already. Choose another name.",
    permission_denied: "Your key does not allow this. Ask the person who manages the keys.",
    rate_limited: "Your key has reached its limit. Wait a moment.",
    busy: "The server has too much to do. Wait a moment.",
    overloaded: "The server has too much to do. Wait a moment.",
  },

  not_found: {
    text: "There is no page at this address.",
    home: "Go to the start page",
  },
  not_allowed: {
    text: "The key that you signed in with does not allow this page.",
  },

  home: {},

  galleries: {
    intro: "A gallery is a set of people who are searched together.",
    empty: "No gallery yet",
    empty_text: "Create one, then enrol a person from a photograph.",
    new: "New gallery",
    name: "Name",
    name_hint: "Lower-case letters, digits, - and _. Programs use it in addresses.",
    created: "The gallery {name} was created.",
    counts: "{people}, {faces}",
    filter: "Find a gallery",
    no_match: "No gallery has “{text}” in its name.",
  },

  gallery: {
    policies: "Policies",
    people: "People",
    faces: "Faces",
    created: "Created",
    delete: "Delete the gallery",
    delete_text:
      "All its people, faces and searches are deleted. This cannot be undone. Type its name to confirm.",
    delete_confirm: "Name of the gallery",
    deleted: "The gallery {name} was deleted.",
    saved: "Saved.",
    duplicate_check: "When somebody is enrolled who looks like another person",
    duplicate_off: "Enrol them",
    duplicate_warn: "Enrol them, and say so in the answer",
    duplicate_review: "Enrol them, and ask for a review",
    duplicate_reject: "Do not enrol them",
    person_score: "The score of a person with several faces",
    person_nearest: "Score of the nearest face",
    person_fused: "Mean of the nearest face and of all faces together",
    keep_probes: "Keep a crop of each identified face beside the audit record",
    crops_kept: "Crops of enrolled faces are stored, so a new model needs no new photographs.",
    crops_not_kept: "No crops are stored: faces show no picture, and a new model needs new photographs.",
  },

  sign_in: {},

  try: {},

  identify: {},

  verify: {},

  people: {},

  person: {},

  reviews: {},

  imports: {},

  models: {},

  operations: {},

  access: {},

  audit: {},
};
