package portalpages

import "github.com/storefront-iac/terraform-provider-kustom/internal/browser"

// The labels of what there is on the portal's pages.
const (
	labelAction         = "action_required"
	labelActions        = "actions_for"
	labelAPI            = "api"
	labelBeingCreated   = "being_created"
	labelCreated        = "created"
	labelDelete         = "delete"
	labelDeleteKey      = "delete_api_key"
	labelDescription    = "description"
	labelEmail          = "email"
	labelEndpoints      = "endpoints"
	labelGenerate       = "generate"
	labelGenerateDialog = "generate_dialog"
	labelGenerateNew    = "generate_new"
	labelHome           = "home"
	labelHost           = "host"
	labelIntegrations   = "integrations"
	labelKeyID          = "key_id"
	labelKeys           = "api_keys"
	labelKustomID       = "kustom_id"
	labelKustomSecret   = "kustom_secret"
	labelLastUsed       = "last_used"
	labelNewKey         = "new_api_key"
	labelNextPage       = "next_page"
	labelNone           = "none"
	labelNoAccess       = "no_access"
	labelNoKeys         = "no_api_keys"
	labelSendLink       = "send_magic_link"
	labelService        = "service"
	labelShow           = "show_store"
	labelSignOut        = "sign_out"
	labelStore          = "store"
	labelStoreShown     = "store_shown"
	labelTooMany        = "key_limit"
	labelUsername       = "username"
	labelWebsite        = "website"
)

// The languages of the portal.
const (
	english   = "en"
	norwegian = "nb"
)

// Table is what things are called on the portal's pages. "Integrations", "Generate new", "Delete API
// key", "Action required" and the words of the popup are documented by Kustom; that a screen reader
// would say them, and all others, is assumed.
func Table() browser.Table {
	say := func(en, nb string, variants ...string) map[string][]string {
		return map[string][]string{english: append([]string{en}, variants...), norwegian: {nb}}
	}
	return browser.Table{
		labelAction:         say("Action required", "Handling kreves"),
		labelActions:        say("Actions for %s", "Handlinger for %s"),
		labelAPI:            say("API", "API"),
		labelBeingCreated:   say("Being created", "Opprettes"),
		labelCreated:        say("Created", "Opprettet"),
		labelDelete:         say("Delete", "Slett"),
		labelDeleteKey:      say("Delete API key", "Slett API-nøkkel"),
		labelDescription:    say("Description", "Beskrivelse"),
		labelEmail:          say("Email", "E-post"),
		labelEndpoints:      say("Endpoints", "Endepunkter"),
		labelGenerate:       say("Generate", "Generer"),
		labelGenerateDialog: say("Generate a new API key", "Generer en ny API-nøkkel", "Add API key"),
		labelGenerateNew:    say("Generate new", "Generer ny", "Add API key"),
		labelHome:           say("Home", "Hjem"),
		labelHost:           say("Host", "Vert"),
		labelIntegrations:   say("Integrations", "Integrasjoner"),
		labelKeyID:          say("Key ID", "Nøkkel-ID"),
		labelKeys:           say("API keys", "API-nøkler"),
		labelKustomID:       say("Kustom ID", "Kustom ID"),
		labelKustomSecret:   say("Kustom Secret", "Kustom Secret"),
		labelLastUsed:       say("Last used", "Sist brukt"),
		labelNewKey:         say("Your new API key", "Din nye API-nøkkel"),
		labelNextPage:       say("Next page", "Neste side"),
		labelNone:           say("None", "Ingen"),
		labelNoAccess:       say("You do not have access", "Du har ikke tilgang"),
		labelNoKeys:         say("No API keys yet", "Ingen API-nøkler ennå"),
		labelSendLink:       say("Send magic link", "Send magisk lenke"),
		labelService:        say("Service", "Tjeneste"),
		labelShow:           say("Show", "Vis"),
		labelSignOut:        say("Sign out", "Logg ut"),
		labelStore:          say("Store", "Butikk"),
		labelStoreShown:     say("Store shown", "Vist butikk"),
		labelTooMany:        say("The store has %s keys, and can't have more", "Butikken har %s nøkler, og kan ikke ha flere"),
		labelUsername:       say("Username", "Brukernavn"),
		labelWebsite:        say("Website", "Nettsted"),

		"checkout":            say("Checkout", "Checkout"),
		"order_management":    say("Order management", "Ordrehåndtering"),
		"settlement":          say("Settlement", "Oppgjør"),
		"hosted_payment_page": say("Hosted payment page", "Betalingsside"),
	}
}

// services are the labels of the services, which are also what the portal's API calls them.
func services() []string {
	return []string{"checkout", "order_management", "settlement", "hosted_payment_page"}
}
