// dladdr and dlsym: nobody loads anything here. Apart from process.cpp, because <link.h> declares them with other types
// than the prebuilt libraries need.
extern "C" {
int dladdr(const void*, void*) { return 0; }
void* dlsym(void*, const char*) { return nullptr; }
}
