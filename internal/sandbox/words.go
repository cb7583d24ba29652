package sandbox

import "fmt"

// The languages of the pages.
const (
	english   = "en"
	norwegian = "nb"
)

var languages = []string{english, norwegian}

// words says what is on a page, in one language.
type words struct {
	Lang   string
	rename map[string]string
}

// W is a word for a template. One that is not in the table is an error, so that no page is half
// translated.
func (w words) W(word string, args ...any) (string, error) {
	translated, ok := bokmaal[word]
	if !ok {
		return "", fmt.Errorf("the table of words lacks %q", word)
	}
	if w.Lang != norwegian {
		translated = word
	}
	if other, ok := w.rename[word]; ok {
		translated = other
	}
	if len(args) == 0 {
		return translated, nil
	}
	return fmt.Sprintf(translated, args...), nil
}

// say is W for code, where the word is there.
func (w words) say(word string, args ...any) string {
	text, err := w.W(word, args...)
	if err != nil {
		panic(err)
	}
	return text
}

// bokmaal goes from the English words, by which the pages know all of them, to the Norwegian ones.
var bokmaal = map[string]string{
	"A description is up to 100 letters a–z, digits, spaces and - : ; . , _": "En beskrivelse er opptil 100 bokstaver a–z, siffer, mellomrom og - : ; . , _",
	"API":                "API",
	"API key %s deleted": "API-nøkkelen %s er slettet",
	"API keys":           "API-nøkler",
	"Action required":    "Handling kreves",
	"Actions":            "Handlinger",
	"Actions for":        "Handlinger for",
	"Back to the start":  "Tilbake til start",
	"Being created":      "Opprettes",
	"Cancel":             "Avbryt",
	"Check your email":   "Sjekk e-posten din",
	"Checkout":           "Checkout",
	"Code":               "Kode",
	"Continue":           "Fortsett",
	"Copy":               "Kopier",
	"Created":            "Opprettet",
	"Credentials":        "Legitimasjon",
	"Delete":             "Slett",
	"Delete API key":     "Slett API-nøkkel",
	"Description":        "Beskrivelse",
	"Done":               "Ferdig",
	"Email":              "E-post",
	"Empty both fields and press the button to remove the credentials.": "Tøm begge feltene og trykk på knappen for å fjerne legitimasjonen.",
	"Endpoints":  "Endepunkter",
	"Extensions": "Utvidelser",
	"Fill in both Kustom ID and Kustom Secret, or neither.": "Fyll inn både Kustom ID og Kustom Secret, eller ingen av dem.",
	"Forbidden":              "Ingen tilgang",
	"Generate":               "Generer",
	"Generate a new API key": "Generer en ny API-nøkkel",
	"Generate new":           "Generer ny",
	"Home":                   "Hjem",
	"Host":                   "Vert",
	"Hosted payment page":    "Betalingsside",
	"ID and Secret updated":  "ID og Secret er oppdatert",
	"If there is an account for this address, a link to sign in is on its way. It works once.": "Hvis det finnes en konto for denne adressen, er en lenke for å logge inn på vei. Den virker én gang.",
	"Integrations": "Integrasjoner",
	"Key ID":       "Nøkkel-ID",
	"Keys with which a store calls Kustom's API.": "Nøkler som en butikk kaller Kustoms API med.",
	"Kustom ID":                   "Kustom ID",
	"Kustom Secret":               "Kustom Secret",
	"Last updated":                "Sist oppdatert",
	"Last used":                   "Sist brukt",
	"Mailbox":                     "Postkasse",
	"Main":                        "Hovedmeny",
	"Merchant ID":                 "Merchant ID",
	"Never":                       "Aldri",
	"Next page":                   "Neste side",
	"No API keys yet":             "Ingen API-nøkler ennå",
	"No extension has this name.": "Ingen utvidelse har dette navnet.",
	"No mail yet":                 "Ingen e-post ennå",
	"None":                        "Ingen",
	"Not active":                  "Ikke aktiv",
	"Not found":                   "Ikke funnet",
	"Not updated yet":             "Ikke oppdatert ennå",
	"One-time code":               "Engangskode",
	"Open the mailbox":            "Åpne postkassen",
	"Order management":            "Ordrehåndtering",
	"Password":                    "Passord",
	"Request access via User Manager from your account administrator.": "Be kontoadministratoren om tilgang via User Manager.",
	"Sandbox":                  "Sandkasse",
	"Search":                   "Søk",
	"Send magic link":          "Send magisk lenke",
	"Service":                  "Tjeneste",
	"Settlement":               "Oppgjør",
	"Show":                     "Vis",
	"Sign in":                  "Logg inn",
	"Sign in to Kustom Portal": "Logg inn på Kustom Portal",
	"Sign out":                 "Logg ut",
	"Skip to the content":      "Hopp til innholdet",
	"Some services are still using Klarna endpoints. Follow this guide to switch your setup to Kustom.": "Noen tjenester bruker fortsatt Klarna-endepunkter. Følg denne veiledningen for å bytte oppsettet ditt til Kustom.",
	"Store":                                  "Butikk",
	"Store name":                             "Butikknavn",
	"Store shown":                            "Vist butikk",
	"Switch endpoint to %s":                  "Bytt endepunkt til %s",
	"The code is wrong, or no longer valid.": "Koden er feil, eller ikke gyldig lenger.",
	"The key %s of %s will stop working at once. This can't be undone.":                   "Nøkkelen %s til %s slutter å virke med en gang. Det kan ikke angres.",
	"The link has been used, or is too old.":                                              "Lenken er brukt, eller for gammel.",
	"The secret is only displayed once. If you lose it, you must generate a new API key.": "Hemmeligheten vises bare én gang. Mister du den, må du generere en ny API-nøkkel.",
	"The store has %s keys, and can't have more":                                          "Butikken har %s nøkler, og kan ikke ha flere",
	"The store name, e-mail or password is wrong.":                                        "Butikknavnet, e-posten eller passordet er feil.",
	"There is no such page.":                                                              "Det finnes ingen slik side.",
	"There is white space around Kustom ID or Kustom Secret.":                             "Det er mellomrom rundt Kustom ID eller Kustom Secret.",
	"This form belongs to another session. Load the page again.":                          "Dette skjemaet hører til en annen økt. Last siden på nytt.",
	"Type the six digits that your authenticator app shows.":                              "Skriv de seks sifrene som autentiseringsappen din viser.",
	"Update ID and Secret":                                                                "Oppdater ID og Secret",
	"Username":                                                                            "Brukernavn",
	"Version":                                                                             "Versjon",
	"Wait while the key is created":                                                       "Vent mens nøkkelen opprettes",
	"We send you a link that signs you in.":                                               "Vi sender deg en lenke som logger deg inn.",
	"Website":                                                                             "Nettsted",
	"You are signed in to another shop.":                                                  "Du er logget inn på en annen butikk.",
	"You do not have access":                                                              "Du har ikke tilgang",
	"Your extensions":                                                                     "Dine utvidelser",
	"Your new API key":                                                                    "Din nye API-nøkkel",
	"for %s":                                                                              "for %s",
	"Optional":                                                                            "Valgfri",
	"One is saved. It is never shown.":                                                    "En er lagret. Den vises aldri.",
}
