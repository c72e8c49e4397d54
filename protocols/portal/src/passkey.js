// Passkeys: the one thing here that needs a script. It asks the browser for what a form's data-options say (WebAuthn's own
// words, in JSON) and sends the answer through that form, so that token and origin are checked as with any other.
"use strict";

const bytes = text => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), letter => letter.charCodeAt(0));
const base64url = buffer =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

// What JSON cannot hold as octets.
function opened(options) {
    const listed = list => (list || []).map(known => ({ ...known, id: bytes(known.id) }));
    const asked = { ...options, challenge: bytes(options.challenge) };
    if (options.user) {
        asked.user = { ...options.user, id: bytes(options.user.id) };
        asked.excludeCredentials = listed(options.excludeCredentials);
    } else {
        asked.allowCredentials = listed(options.allowCredentials);
    }
    return asked;
}

function told(credential) {
    const response = {};
    for (const part of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
        if (credential.response[part]) response[part] = base64url(credential.response[part]);
    }
    return JSON.stringify({ id: credential.id, rawId: base64url(credential.rawId), type: credential.type, extensions: {}, response });
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.addEventListener("submit", async event => {
        event.preventDefault();
        const failed = form.querySelector("[role=alert]");
        failed.hidden = true;
        try {
            const publicKey = opened(JSON.parse(form.dataset.options).publicKey);
            const credential = await navigator.credentials[form.dataset.passkey]({ publicKey });
            form.elements.answer.value = told(credential);
        } catch {
            failed.hidden = false;
            return;
        }
        // Without the event, which would bring it here again.
        form.submit();
    });
}
