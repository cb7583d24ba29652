package mystorepages

import "github.com/storefront-iac/terraform-provider-kustom/internal/browser"

// The labels of what there is on Mystore's pages.
const (
	labelCode         = "code"
	labelContinue     = "continue"
	labelCredentials  = "credentials"
	labelEmail        = "email"
	labelExtension    = "klarna_checkout_v3"
	labelExtensions   = "extensions"
	labelHome         = "home"
	labelKustomID     = "kustom_id"
	labelKustomSecret = "kustom_secret"
	labelLastUpdated  = "last_updated"
	labelNoExtension  = "no_extension"
	labelNotActive    = "not_active"
	labelNotUpdated   = "not_updated"
	labelPassword     = "password"
	labelSearch       = "search"
	labelSecretSaved  = "secret_saved"
	labelShopName     = "store_name"
	labelShown        = "store_shown"
	labelSignIn       = "sign_in"
	labelSignOut      = "sign_out"
	labelUpdate       = "update_id_and_secret"
	labelUpdated      = "updated"
	labelVersion      = "version"
	labelYours        = "your_extensions"
)

// The languages of Mystore.
const (
	english   = "en"
	norwegian = "nb"
)

// Table is what things are called on Mystore's pages. "Extensions", "Your extensions", "Klarna Checkout
// V3", "Credentials", "Kustom ID", "Kustom Secret" and "Update ID and Secret" are documented by
// Mystore; that a screen reader would say them, and all others, is assumed.
func Table() browser.Table {
	say := func(en, nb string) map[string][]string {
		return map[string][]string{english: {en}, norwegian: {nb}}
	}
	return browser.Table{
		labelCode:         say("Code", "Kode"),
		labelContinue:     say("Continue", "Fortsett"),
		labelCredentials:  say("Credentials", "Legitimasjon"),
		labelEmail:        say("Email", "E-post"),
		labelExtension:    say("Klarna Checkout V3", "Klarna Checkout V3"),
		labelExtensions:   say("Extensions", "Utvidelser"),
		labelHome:         say("Home", "Hjem"),
		labelKustomID:     say("Kustom ID", "Kustom ID"),
		labelKustomSecret: say("Kustom Secret", "Kustom Secret"),
		labelLastUpdated:  say("Last updated", "Sist oppdatert"),
		labelNoExtension:  say("No extension has this name.", "Ingen utvidelse har dette navnet."),
		labelNotActive:    say("Not active", "Ikke aktiv"),
		labelNotUpdated:   say("Not updated yet", "Ikke oppdatert ennå"),
		labelPassword:     say("Password", "Passord"),
		labelSearch:       say("Search", "Søk"),
		labelSecretSaved:  say("One is saved. It is never shown.", "En er lagret. Den vises aldri."),
		labelShopName:     say("Store name", "Butikknavn"),
		labelShown:        say("Store shown", "Vist butikk"),
		labelSignIn:       say("Sign in", "Logg inn"),
		labelSignOut:      say("Sign out", "Logg ut"),
		labelUpdate:       say("Update ID and Secret", "Oppdater ID og Secret"),
		labelUpdated:      say("ID and Secret updated", "ID og Secret er oppdatert"),
		labelVersion:      say("Version", "Versjon"),
		labelYours:        say("Your extensions", "Dine utvidelser"),
	}
}
