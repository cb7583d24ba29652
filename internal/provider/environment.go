package provider

// The environment variables that replace arguments of the provider block.
const (
	envEnvironment   = "KUSTOM_ENVIRONMENT"
	envPortalToken   = "KUSTOM_PORTAL_TOKEN"
	envMystoreTokens = "MYSTORE_TOKENS"
	envTokensFile    = "MYSTORE_TOKENS_FILE"
	envPortalURL     = "KUSTOM_PORTAL_URL"
	envAPIURL        = "KUSTOM_API_URL"
	envMystoreURL    = "MYSTORE_URL"
	envProgressFile  = "KUSTOM_PROGRESS_FILE"

	envPortalSession   = "KUSTOM_PORTAL_SESSION"
	envMystoreSessions = "MYSTORE_SESSIONS"
	envMystoreLogins   = "MYSTORE_LOGINS"
	envPortalPagesURL  = "KUSTOM_PORTAL_PAGES_URL"
	envMystoreAdmins   = "MYSTORE_ADMIN_URLS"
	envProfile         = "KUSTOM_BROWSER_PROFILE"
)

// The default values of the provider block's numbers.
const (
	defaultMaxRetries = 4
	maxRetriesLimit   = 20
	defaultMaxTabs    = 4
	maxTabsLimit      = 16
)

// The provider's arguments for the shops' tokens. Messages name the one that the user has set.
const (
	attributeTokens     = "mystore_tokens"
	attributeTokensFile = "mystore_tokens_file"
)
