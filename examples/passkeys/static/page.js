// What the page does. It has no tokens: the server keeps them, and the browser a cookie that scripts cannot read.
const $ = (id) => document.getElementById(id);
const KINDS = { TOTP: "totp_code", RECOVERY_CODE: "recovery_code", PASSWORD: "password" };
const LABELS = { TOTP: "Code of your app", RECOVERY_CODE: "Recovery code", PASSWORD: "Password" };

/** Has the server do something. Throws the reason if it does not. */
async function post(path, body = {}) {
  const headers = { "content-type": "application/json" };
  const response = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  const told = await response.json();
  if (!response.ok) throw Object.assign(new Error(told.reason ?? `HTTP ${response.status}`), { acr: told.acr });
  return told;
}

// One ceremony at a time: the next one ends the one that waits in the list of passkeys for the address.
let ceremony = new AbortController();

function nextSignal() {
  ceremony.abort();
  ceremony = new AbortController();
  return ceremony.signal;
}

/** Has an authenticator make a passkey. */
async function create(options) {
  const signal = nextSignal();
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(JSON.parse(options));
  const credential = await navigator.credentials.create({ publicKey, signal });
  return JSON.stringify(credential.toJSON());
}

/** Has an authenticator answer with a passkey. */
async function get(options, mediation = "optional") {
  const signal = nextSignal();
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(JSON.parse(options));
  const credential = await navigator.credentials.get({ publicKey, signal, mediation });
  return JSON.stringify(credential.toJSON());
}

async function signInWithPasskey(mediation) {
  const { options } = await post("/passkey-login/begin");
  const credential = await get(options, mediation);
  await post("/passkey-login/finish", { credential });
  await showMe();
}

/** Offers passkeys in the list below the address, until one is chosen or something else begins. */
async function offerPasskeys() {
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  // The question of Ipse expires: ask anew before that.
  const timer = setTimeout(() => report(offerPasskeys), 4 * 60 * 1000);
  try {
    await signInWithPasskey("conditional");
  } catch (error) {
    // Nobody chose one, which they need not.
    if (error.name !== "NotAllowedError") throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Asks for a proof of who somebody is: with a passkey, if `ask` tells what to ask it, or by what they type. */
async function prove(factors, ask, finish) {
  show("challenge");
  $("prove-passkey").hidden = !factors.includes("PASSKEY");
  const others = factors.filter((factor) => factor in KINDS);
  const select = $("proof-form").elements.kind;
  select.replaceChildren(...others.map((factor) => new Option(LABELS[factor], KINDS[factor])));
  $("proof-form").hidden = others.length === 0;
  $("proof-form").reset();
  select.onchange = () => ($("proof-form").elements.value.type = select.value === "password" ? "password" : "text");
  select.onchange();
  return new Promise((done, failed) => {
    $("prove-passkey").onclick = () =>
      attempt(async () => {
        await finish({ passkey_credential_json: await get(await ask()) });
        done();
      });
    $("proof-form").onsubmit = (event) => {
      event.preventDefault();
      const { kind, value } = event.target.elements;
      attempt(async () => {
        const input = kind.value === "password" ? value.value : value.value.trim();
        await finish({ [kind.value]: input });
        done();
      });
    };
    $("cancel").onclick = () => {
      nextSignal();
      failed(new Error("cancelled"));
    };
  });
}

async function signIn(email, password) {
  const { factors } = await post("/sign-in", { email, password });
  if (factors.length > 0) {
    const ask = async () => (await post("/mfa/begin")).options;
    await prove(factors, ask, (proof) => post("/mfa/finish", proof));
  }
  await showMe();
}

/** Has somebody prove who they are, for a level or for that of the session. */
async function stepUp(acr = "") {
  const { factors, options } = await post("/step-up/begin", { acr });
  await prove(factors, async () => options, (proof) => post("/step-up/finish", proof));
}

/** Does what needs a fresh proof, after one if that is asked for. */
async function withFreshProof(act) {
  try {
    return await act();
  } catch (error) {
    if (error.message !== "STEP_UP_REQUIRED") throw error;
    await stepUp(error.acr);
    return await act();
  }
}

async function addPasskey(name) {
  const { options } = await withFreshProof(() => post("/passkeys/begin", { name }));
  const credential = await create(options);
  const { recovery_codes: codes } = await post("/passkeys/finish", { credential });
  await showMe();
  $("codes").hidden = codes.length === 0;
  $("codes").querySelector("pre").textContent = codes.join("\n");
}

function show(section) {
  for (const each of document.querySelectorAll("section")) each.hidden = each.id !== section;
}

function describe(factor) {
  const { kind, displayName, passkey } = factor;
  const name = displayName || kind.replace("FACTOR_KIND_", "").toLowerCase().replace("_", " ");
  if (!passkey) return name;
  const copies = passkey.backupEligible ? (passkey.backedUp ? "synced" : "can be synced") : "on one device";
  return `${name} (${copies}${passkey.userVerifying ? ", verifies you" : ""})`;
}

async function showMe() {
  let me;
  try {
    me = await post("/me");
  } catch (error) {
    show("signed-out");
    if (["TOKEN_MISSING", "TOKEN_INVALID", "REFRESH_TOKEN_INVALID"].includes(error.message)) {
      // Nobody asked for it, so that it leaves what is said as it is.
      report(offerPasskeys);
      return;
    }
    throw error;
  }
  nextSignal();
  show("signed-in");
  $("email").textContent = me.email;
  $("amr").textContent = me.amr.join(", ");
  $("acr").textContent = me.acr;
  $("codes").hidden = true;
  $("factors").replaceChildren(
    ...me.factors.map((factor) => {
      const item = document.createElement("li");
      item.textContent = describe(factor);
      return item;
    }),
  );
}

/** Does something that the person asked for. */
function attempt(act) {
  $("message").textContent = "";
  return report(act);
}

/** Does something, and says what went wrong. */
async function report(act) {
  try {
    await act();
  } catch (error) {
    // Another ceremony has begun, which is no failure.
    if (error.name === "AbortError") return;
    $("message").textContent = error.name === "Error" ? error.message : error.name;
    if (error.message === "cancelled") await showMe();
  }
}

$("password-form").onsubmit = (event) => {
  event.preventDefault();
  const { email, password } = event.target.elements;
  attempt(async () => {
    if (event.submitter?.name === "sign-up") {
      await post("/sign-up", { email: email.value, password: password.value });
    }
    await signIn(email.value, password.value);
  });
};
$("passkey-sign-in").onclick = () => attempt(() => signInWithPasskey("optional"));
$("passkey-form").onsubmit = (event) => {
  event.preventDefault();
  attempt(() => addPasskey(event.target.elements.name.value));
};
$("step-up").onclick = () => attempt(async () => {
  await stepUp();
  await showMe();
});
$("sign-out").onclick = () => attempt(async () => {
  await post("/sign-out");
  await showMe();
});

if (globalThis.PublicKeyCredential?.parseCreationOptionsFromJSON) attempt(showMe);
else $("message").textContent = "This browser does not speak WebAuthn Level 3.";
