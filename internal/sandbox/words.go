package sandbox

import (
	"fmt"
	"slices"
)

// The languages of the pages.
const (
	english   = "en"
	norwegian = "nb"
)

var languages = []string{english, norwegian}

// months are the names of months in dates.
var months = map[string][]string{
	english:   {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"},
	norwegian: {"jan.", "feb.", "mars", "apr.", "mai", "juni", "juli", "aug.", "sep.", "okt.", "nov.", "des."},
}

// words are the words of the pages in one language, after mutations.
type words struct {
	Lang      string
	mutations []string
	rename    map[string]string
}

// W returns a word for a template. An unknown word is an error, so that no page is half translated.
func (w words) W(word string) (string, error) {
	if _, ok := bokmaal[word]; !ok {
		return "", fmt.Errorf("the table of words lacks %q", word)
	}
	return w.shown(word), nil
}

func (w words) shown(word string) string {
	shown := word
	if w.Lang == norwegian {
		shown = bokmaal[word]
	}
	for _, m := range mutations {
		if slices.Contains(w.mutations, m.Name) {
			shown = m.apply(word, shown)
		}
	}
	if other, ok := w.rename[word]; ok {
		return other
	}
	return shown
}

// say is [words.W] for code that knows that the word exists.
func (w words) say(word string) string {
	text, err := w.W(word)
	if err != nil {
		panic(err)
	}
	return text
}

// all returns every word as shown, for a page's script.
func (w words) all() map[string]string {
	all := make(map[string]string, len(bokmaal))
	for word := range bokmaal {
		all[word] = w.shown(word)
	}
	return all
}

// somethingWrong is the error of a page without a better explanation.
const somethingWrong = "Something went wrong. Please try again."

// bokmaal maps the English words of the pages to Norwegian ones. The English words of the API page, the popup and the
// menu come from the two pictures and the help articles. No source shows Norwegian ones.
var bokmaal = map[string]string{
	"1 result":                          "1 resultat",
	"{0} results":                       "{0} resultater",
	"{0}/{1} Results":                   "{0}/{1} resultater",
	"API":                               "API",
	"API key deleted":                   "API-nøkkelen er slettet",
	"API keys":                          "API-nøkler",
	"A new API key will be generated.":  "En ny API-nøkkel blir generert.",
	"Accept all":                        "Godta alle",
	"Access denied when authenticating": "Ingen tilgang ved autentisering",
	"Account settings":                  "Kontoinnstillinger",
	"Action Expired":                    "Handlingen er utløpt",
	"Action required":                   "Handling kreves",
	"Administrators":                    "Administratorer",
	"All extensions":                    "Alle utvidelser",
	"All orders":                        "Alle ordrer",
	"All payment links":                 "Alle betalingslenker",
	"Are you sure you want to delete this API key? It stops working at once.": "Er du sikker på at du vil slette denne API-nøkkelen? Den slutter å virke med en gang.",
	"Cancel":              "Avbryt",
	"Check your email":    "Sjekk e-posten din",
	"Checkout":            "Checkout",
	"Close":               "Lukk",
	"Configuration":       "Innstillinger",
	"Confirm":             "Bekreft",
	"Cookies":             "Informasjonskapsler",
	"Copy Key ID":         "Kopier nøkkel-ID",
	"Creation date":       "Opprettet",
	"Credentials":         "Legitimasjon",
	"Customer tokens API": "Customer tokens API",
	"Dark mode":           "Mørk modus",
	"Dashboard":           "Oversikt",
	"Delete API Key":      "Slett API-nøkkel",
	"Delete API key":      "Slett API-nøkkelen",
	"Description":         "Beskrivelse",
	"Design":              "Design",
	"Developer logs":      "Utviklerlogger",
	"API documentation":   "API-dokumentasjon",
	"View guide":          "Vis veiledning",
	"Next steps":          "Neste steg",
	"Order extensions":    "Bestill utvidelser",
	"Extensions news":     "Utvidelser: nytt",
	"About {0}":           "Om {0}",
	"Developers":          "Utviklere",
	"Dismiss warning":     "Skjul advarselen",
	"Disputes":            "Tvister",
	"Elements":            "Elements",
	"Email":               "E-post",
	"Email address":       "E-postadresse",
	"Expiration date":     "Utløpsdato",
	"Extensions":          "Utvidelser",
	"Fill in both Kustom ID and Kustom Secret, or neither.": "Fyll inn både Kustom ID og Kustom Secret, eller ingen av dem.",
	"Forgotten password?": "Glemt passord?",
	"General":             "Generelt",
	"Generate new":        "Generer ny",
	"Go to next page":     "Gå til neste side",
	"Go to previous page": "Gå til forrige side",
	"Got it":              "Greit",
	"Home":                "Hjem",
	"Host":                "Vert",
	"Hosted payment page": "Betalingsside",
	"If there is an account for this address, a link to sign in is on its way.": "Hvis det finnes en konto for denne adressen, er en lenke for å logge inn på vei.",
	"Installation script":         "Installasjonsskript",
	"Integrations":                "Integrasjoner",
	"Key ID":                      "Nøkkel-ID",
	"Kustom API Key generated":    "Kustom API-nøkkel er generert",
	"Kustom ID":                   "Kustom ID",
	"Kustom Secret":               "Kustom Secret",
	"Last used":                   "Sist brukt",
	"Load more":                   "Vis flere",
	"Log in":                      "Logg inn",
	"Log in to Kustom Portal":     "Logg inn på Kustom Portal",
	"Log in to the control panel": "Logg inn på kontrollpanelet",
	"Log in with magic link":      "Logg inn med magisk lenke",
	"Log out":                     "Logg ut",
	"Logistics":                   "Logistikk",
	"Mailbox":                     "Postkasse",
	"Main Menu/Content":           "Hovedmeny/Innhold",
	"Microsoft login":             "Microsoft-pålogging",
	"Multi-factor authentication": "Flerfaktorautentisering",
	"Necessary only":              "Bare nødvendige",
	"New":                         "Nytt",
	"Next":                        "Neste",
	"No results found.":           "Ingen treff.",
	"No results.":                 "Ingen resultater.",
	"Nothing to show yet.":        "Ingenting å vise ennå.",
	"One-time password":           "Engangspassord",
	"Open menu":                   "Åpne meny",
	"Order management":            "Ordrehåndtering",
	"Orders":                      "Ordrer",
	"Overview":                    "Oversikt",
	"Password":                    "Passord",
	"Payment links":               "Betalingslenker",
	"Payment methods":             "Betalingsmåter",
	"Payments API":                "Payments API",
	"Please save the following credentials on your device or in another secure location.": "Lagre følgende legitimasjon på enheten din eller et annet trygt sted.",
	"Please wait…":           "Vent litt…",
	"Previous":               "Forrige",
	"Reports":                "Rapporter",
	"SFTP credentials":       "SFTP-legitimasjon",
	"Search":                 "Søk",
	"Search store...":        "Søk etter butikk...",
	"Select store":           "Velg butikk",
	"Send":                   "Send",
	"Service":                "Tjeneste",
	"Set expiration date":    "Sett utløpsdato",
	"Settlement":             "Oppgjør",
	"Settlements":            "Oppgjør",
	"Shipping":               "Frakt",
	"Sign in with Microsoft": "Logg inn med Microsoft",
	"Sign out":               "Logg ut",
	"Some services are still using Klarna endpoints. Follow this guide to switch your setup to Kustom.": "Noen tjenester bruker fortsatt Klarna-endepunkter. Følg denne veiledningen for å bytte oppsettet ditt til Kustom.",
	somethingWrong:                                        "Noe gikk galt. Prøv igjen.",
	"Stock Value Report":                                  "Lagerverdirapport",
	"Stores":                                              "Butikker",
	"Switch endpoint to {0}":                              "Bytt endepunkt til {0}",
	"Switch to production":                                "Bytt til produksjon",
	"The API key {0} stops working at once.":              "API-nøkkelen {0} slutter å virke med en gang.",
	"The credentials have been updated.":                  "Legitimasjonen er oppdatert.",
	"The email address or the password is wrong.":         "E-postadressen eller passordet er feil.",
	"The one-time password is wrong, or no longer valid.": "Engangspassordet er feil, eller ikke gyldig lenger.",
	"The password will only be revealed this time and will disappear after you close this window.": "Passordet vises bare denne gangen, og forsvinner når du lukker dette vinduet.",
	"The store has reached the maximum number of API keys.":                                        "Butikken har nådd det største antallet API-nøkler.",
	"The warning will be hidden for you in this store.":                                            "Advarselen blir skjult for deg i denne butikken.",
	"There is no other environment here.":                                                          "Det finnes ikke noe annet miljø her.",
	"There is white space around Kustom ID or Kustom Secret.":                                      "Det er mellomrom rundt Kustom ID eller Kustom Secret.",
	"This form belongs to another session. Load the page again.":                                   "Dette skjemaet hører til en annen økt. Last siden på nytt.",
	"This page could not be found.":                                                                "Fant ikke siden.",
	"Toggle Sidebar":                                                                               "Vis eller skjul menyen",
	"Try again":                                                                                    "Prøv igjen",
	"Update ID and Secret":                                                                         "Oppdater ID og Secret",
	"User management":                                                                              "Brukeradministrasjon",
	"Users":                                                                                        "Brukere",
	"We use cookies to make the portal work and to understand how it is used.":                     "Vi bruker informasjonskapsler for at portalen skal virke, og for å forstå hvordan den brukes.",
	"Webhooks":             "Webhooks",
	"What's new":           "Nyheter",
	"Yes, dismiss warning": "Ja, skjul advarselen",
	"You can now see your settlements as they happen.": "Nå kan du se oppgjørene dine mens de skjer.",
	"You do not have access":                           "Du har ikke tilgang",
	"Your Kustom API keys let you securely connect to Kustom when placing or managing orders.": "Med Kustom API-nøklene kobler du deg trygt til Kustom når du legger inn eller håndterer ordrer.",
	"Your extensions": "Dine utvidelser",
}
