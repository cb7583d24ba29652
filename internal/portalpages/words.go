package portalpages

import "github.com/storefront-iac/terraform-provider-kustom/internal/browser"

// The labels of the elements of the portal's pages. One label is one use: a menu item and a heading with the
// same name are two.
const (
	labelAPI         = "api"
	labelAction      = "action_required"
	labelCancel      = "cancel"
	labelConfirm     = "confirm"
	labelCreated     = "creation_date"
	labelDeleteKey   = "delete_api_key"
	labelExpires     = "expiration_date"
	labelGenerateNew = "generate_new"
	labelGroup       = "developers"
	labelHost        = "host"
	labelKeyID       = "key_id"
	labelKeyMenu     = "key_menu"
	labelLastUsed    = "last_used"
	labelLimit       = "key_limit"
	labelLoadMore    = "load_more"
	labelNext        = "next_page"
	labelNever       = "never"
	labelNoAccess    = "no_access"
	labelNoKeys      = "no_keys"
	labelService     = "service"
	labelShow        = "show_store"
	labelSignIn      = "sign_in"
	labelSignedIn    = "signed_in"
	labelStores      = "stores"
)

// Table has the names of the elements of the portal's pages. The first words of "developers", "api", "stores",
// "generate_new", the columns, "delete_api_key" and "action_required" are Kustom's own. They come from its help
// centre (articles 320254, 454956, 570683), from screenshots of its playground of March 2026, and from reports
// of September 2026, which call the group Integrations and Developers. The words of "sign_in" come from article
// 279628. All other words, and all that are not English, are assumptions without a source.
func Table() browser.Table {
	return browser.Table{
		labelAPI:         {"API", "API keys", "API credentials", "Kustom API", "API-nøkler", "API-nycklar"},
		labelAction:      {"Action required", "Handling kreves", "Åtgärd krävs"},
		labelCancel:      {"Cancel", "Close", "No", "Keep", "Keep it", "Back", "Dismiss", "Avbryt", "Lukk", "Nei", "Stäng"},
		labelConfirm:     {"Confirm", "Yes", "OK", "Continue", "Generate", "Create", "Bekreft", "Ja", "Bekräfta", "Generer", "Opprett"},
		labelCreated:     {"Creation date", "Created", "Created at", "Created on", "Date created", "Opprettet", "Skapad"},
		labelDeleteKey:   {"Delete API key", "Delete key", "Delete", "Remove API key", "Remove", "Revoke", "Slett API-nøkkel", "Slett", "Ta bort"},
		labelExpires:     {"Expiration date", "Expires", "Expires at", "Expiry date", "Expiry", "Utløper", "Utløpsdato"},
		labelGenerateNew: {"Generate new", "Add API key", "Generate API key", "Create API key", "New API key", "Generer ny", "Skapa ny"},
		labelGroup:       {"Developers", "Integrations", "Integration", "Developer", "Utviklere", "Integrasjoner", "Utvecklare"},
		labelHost:        {"Host", "Vert", "Värd"},
		labelKeyID:       {"Key ID", "Username", "Kustom ID", "API key ID", "Nøkkel-ID", "Nyckel-ID"},
		labelKeyMenu:     {"Open menu", "Actions", "More", "Options", "Åpne meny", "Handlinger"},
		labelLastUsed:    {"Last used", "Last use", "Last used at", "Last activity", "Sist brukt", "Senast använd"},
		labelLimit:       {"maximum number", "limit", "too many", "maksimalt", "grense"},
		labelLoadMore:    {"Load more", "Show more", "View more", "More results", "Vis flere", "Last inn flere", "Visa fler"},
		labelNext:        {"Next", "Next page", "Go to next page", "Neste", "Neste side", "Nästa", "›", "»", ">", "→"},
		labelNever:       {"Never", "Never used", "Not used", "Not used yet", "None", "No expiration", "Aldri", "Ingen", "Ikke brukt"},
		labelNoAccess:    {"You do not have access", "You don't have access", "Access denied", "You don't have permission", "Du har ikke tilgang"},
		labelNoKeys:      {"No results", "No API keys", "No API keys yet", "No keys", "You have no API keys", "No data", "Ingen resultater", "Ingen API-nøkler"},
		labelService:     {"Service", "Services", "Tjeneste"},
		labelShow:        {"Show", "Go", "Apply", "Select", "Choose", "View", "OK", "Vis", "Velg", "Bruk", "Visa", "Välj"},
		labelSignIn: {
			"Sign in with Microsoft", "Send me a magic link", "Log in with magic link", "Sign in with magic link", "Send magic link",
			"Sign in with Google", "Continue with Microsoft", "Log in", "Sign in", "Logg inn", "Logga in",
		},
		labelSignedIn: {"Sign out", "Log out", "Orders", "Settlements", "User management", "Developers", "Integrations", "Ordrer", "Logg ut"},
		labelStores:   {"Stores", "Store", "Select store", "Choose store", "Merchant", "Butikker", "Butikk", "Butiker"},
	}
}

// neverClicked are links to the other environment. The playground's header has one (seen in March 2026), and
// production may have one too.
func neverClicked() []string { return []string{"Switch to production", "Switch to playground"} }

// nouns are the words that may follow the name of a control that generates or deletes a key.
func nouns() []string {
	return []string{"api", "key", "keys", "credential", "credentials", "nøkkel", "nyckel"}
}
