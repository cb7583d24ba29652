package mystorepages

import "github.com/storefront-iac/terraform-provider-kustom/internal/browser"

// The labels of the elements of a control panel's pages. One label is one use.
const (
	labelCode         = "code"
	labelCredentials  = "credentials"
	labelEmail        = "email"
	labelExtension    = "klarna_checkout_v3"
	labelExtensions   = "extensions"
	labelInactive     = "not_active"
	labelKustomID     = "kustom_id"
	labelKustomSecret = "kustom_secret"
	labelLastUpdated  = "last_updated"
	labelNoExtension  = "no_extension"
	labelPassword     = "password"
	labelSearch       = "search"
	labelShopName     = "store_name"
	labelSignIn       = "sign_in"
	labelSignedIn     = "signed_in"
	labelUpdate       = "update_id_and_secret"
	labelVersion      = "version"
	labelYours        = "your_extensions"
)

// Table has the names of the elements of a control panel. "Extensions", "Your extensions", "Klarna Checkout
// V3", "Credentials", "Kustom ID", "Kustom Secret" and "Update ID and Secret" are Mystore's words
// (support.acendy.com, "Kustom API keys" and "Switch from Klarna API to Kustom API"). "Kustom Checkout" is the
// extension's name on docs.kustom.co. The words of the sign-in, English and Norwegian, come from Mystore's help
// centres. All others are assumptions without a source.
func Table() browser.Table {
	return browser.Table{
		labelCode: {
			"One-time password", "One-time code", "Code", "Verification code", "Authentication code", "Two-factor code", "Engangskode", "Kode",
		},
		labelCredentials: {"Credentials", "API credentials", "Legitimasjon", "Påloggingsinformasjon", "Tilgang"},
		labelEmail:       {"Email address", "E-mail address", "Email", "E-mail", "Username", "User name", "E-postadresse", "E-post", "Brukernavn"},
		labelExtension:   {"Klarna Checkout V3", "Kustom Checkout V3", "Kustom Checkout", "Klarna Checkout (V3)"},
		labelExtensions:  {"Extensions", "Apps", "Utvidelser", "Tillegg"},
		labelInactive:    {"Not active", "Inactive", "Disabled", "Ikke aktiv", "Inaktiv", "Deaktivert"},
		labelKustomID:    {"Kustom ID", "Kustom-ID", "Kustom username", "Kustom brukernavn"},
		labelKustomSecret: {
			"Kustom Secret", "Kustom-Secret", "Kustom secret key", "Kustom password", "Kustom passord", "Kustom hemmelighet",
		},
		labelLastUpdated: {"Last updated", "Updated", "Sist oppdatert", "Oppdatert"},
		labelNoExtension: {"No extension has this name", "No extensions found", "No extensions", "No results", "No results found", "Ingen treff", "Ingen utvidelser", "Ingen resultater"},
		labelPassword:    {"Password", "Passord"},
		labelSearch:      {"Search", "Search extensions", "Search for extensions", "Search in your extensions", "Filter", "Søk", "Søk etter utvidelser"},
		labelShopName:    {"Store name", "Shop name", "Butikknavn"},
		labelSignIn:      {"Sign in", "Log in", "Login", "Continue", "Verify", "Submit", "Logg inn", "Fortsett", "Bekreft"},
		labelSignedIn:    {"Sign out", "Log out", "Extensions", "Configuration", "Logistics", "Logg ut", "Utvidelser", "Konfigurasjon"},
		labelUpdate:      {"Update ID and Secret", "Update ID and Secret key", "Update", "Save", "Save changes", "Oppdater ID og Secret", "Oppdater", "Lagre"},
		labelVersion:     {"Version", "Versjon"},
		labelYours:       {"Your extensions", "My extensions", "Installed extensions", "Installed", "Dine utvidelser", "Mine utvidelser", "Installerte"},
	}
}
